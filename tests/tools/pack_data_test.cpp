// `smlp pack` on data as people have it: what is told, and what is not lost.
#include "smlp/data/open_dataset.hpp"
#include "support/images.hpp"
#include "support/program_fixture.hpp"

namespace smlp {
namespace {

using testing::Finished;
using testing::png;
using testing::Program;
using testing::Words;

class PackData : public ::testing::Test {
 protected:
  Finished pack(const Words& words) {
    Words all{SMLP_PROGRAM, "pack", "folder", "--from", temp_ / "raw", "--to", temp_ / "pack"};
    all.insert(all.end(), words.begin(), words.end());
    return Program(temp_.path(), all).wait();
  }
  void have(const testing::Files& files) { testing::write_folder(temp_ / "raw", files); }
  testing::TempDir temp_;
};

TEST_F(PackData, SaysWhichClassLostHowManyImagesOfWhichKind) {
  have({{"train/a/0.png", png(4, 4, 0)},
        {"train/b/0.png", png(4, 4, 1)},
        {"train/b/1.tif", "II*"},
        {"train/b/2.tif", "II*"},
        {"train/b/3.svg", "<svg/>"},
        {"test/a/0.png", png(4, 4, 2)}});
  Finished done = pack({});
  EXPECT_EQ(done.code, 3);
  EXPECT_NE(done.err.find("b/1.tif: 3 bytes that are neither JPEG"), std::string::npos) << done.err;
  EXPECT_NE(done.err.find("--skip-bad N leaves out up to N such images"), std::string::npos) << done.err;
  done = pack({"--skip-bad", "3"});
  EXPECT_EQ(done.code, 0);
  EXPECT_NE(done.err.find("warning: train: class b lost 3 of 4 images, 1 .svg, 2 .tif"), std::string::npos)
      << done.err;
  EXPECT_NE(done.err.find("warning: test: no images of class b"), std::string::npos) << done.err;
  EXPECT_EQ(open_dataset((temp_ / "pack").string(), "test")->classes(), 2);
}

TEST_F(PackData, NamesTheFoldersItDoesNotRead) {
  have({{"train/a/0.png", png(4, 4, 0)}, {"valid/a/0.png", png(4, 4, 1)}, {"extra/a/0.png", "not read"}});
  const Finished done = pack({});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_NE(done.err.find("warning: extra: not packed: it is no split, or has no class folders"),
            std::string::npos)
      << done.err;
  EXPECT_EQ(open_dataset((temp_ / "pack").string(), "test")->size(), 1);
}

}  // namespace
}  // namespace smlp
