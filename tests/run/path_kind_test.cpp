#include "smlp/run/path_kind.hpp"

#include <gtest/gtest.h>

#include "smlp/core/files.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

class PathKinds : public ::testing::Test {
 protected:
  fs::path file(const std::string& name, const std::string& text = "x") const {
    make_parent_directory(folder_ / name);
    write_file_atomically(folder_ / name, text);
    return folder_ / name;
  }
  testing::TempDir folder_;
};

TEST_F(PathKinds, FoldersAreKnownByWhatLiesInThem) {
  const fs::path run = file("runs/a/config.yaml").parent_path();
  const fs::path checkpoint = file("runs/a/checkpoints/step-000000005/state.json").parent_path();
  const fs::path exported = file("exported/model.pt").parent_path();
  const fs::path pack = file("pack/train/dataset.json").parent_path().parent_path();
  EXPECT_EQ(kind_of_path(run), PathKind::run);
  EXPECT_EQ(kind_of_path(run.parent_path()), PathKind::runs);
  EXPECT_EQ(kind_of_path(checkpoint), PathKind::checkpoint);
  EXPECT_EQ(kind_of_path(exported), PathKind::weights);
  EXPECT_EQ(find_weights_file(exported), exported / "model.pt");
  EXPECT_EQ(kind_of_path(pack), PathKind::data_set);
  EXPECT_EQ(kind_of_path(folder_.path()), PathKind::folder);
  EXPECT_EQ(kind_of_path(folder_ / "nowhere"), PathKind::nothing);
  EXPECT_EQ(kind_of_path("shapes"), PathKind::data_set);
}

TEST_F(PathKinds, FilesAreKnownByNameContentAndPlace) {
  EXPECT_EQ(kind_of_path(file("B_12.pt")), PathKind::weights);
  EXPECT_EQ(kind_of_path(file("model_best.pth.tar")), PathKind::weights);
  EXPECT_EQ(kind_of_path(file("a.safetensors.index.json")), PathKind::weights);
  EXPECT_EQ(kind_of_path(file("cifar-10-binary.tar.gz")), PathKind::archive);
  EXPECT_EQ(kind_of_path(file("x.YAML")), PathKind::configuration);
  EXPECT_EQ(kind_of_path(file("photo", "\xFF\xD8\xFF\xE0")), PathKind::image);
  EXPECT_EQ(kind_of_path(file("notes.txt")), PathKind::file);
}

TEST_F(PathKinds, AFileOfARunNamesTheRunAndAModelsFileItsCheckpoint) {
  file("a/config.yaml");
  file("a/checkpoints/step-000000005/state.json");
  for (const char* name : {"a/log.txt", "a/checkpoints/step-000000005/optimizer.safetensors"}) {
    const fs::path inside = file(name);
    EXPECT_EQ(kind_of_path(inside), PathKind::run_file);
    EXPECT_EQ(find_weights_file(inside), std::nullopt);
    EXPECT_NE(what_is(inside).find("give " + (folder_ / "a").string()), std::string::npos) << what_is(inside);
  }
  EXPECT_EQ(kind_of_path(file("a/checkpoints/step-000000005/model.safetensors")), PathKind::checkpoint);
  EXPECT_NE(what_is(folder_ / "a/config.yaml").find("file of the run"), std::string::npos);
}

}  // namespace
}  // namespace smlp
