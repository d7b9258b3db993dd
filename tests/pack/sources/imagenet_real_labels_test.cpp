#include "smlp/pack/sources/imagenet_real_labels.hpp"

#include "smlp/pack/sources/imagenet_labels.hpp"
#include "support/golden.hpp"
#include "support/images.hpp"
#include "support/sources.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::Files;
using testing::png;
using testing::TempDir;

// ReaL's list, in which image N has the label N mod 1000.
std::filesystem::path write_list(const TempDir& temp) {
  std::string list = "[[1]";
  for (int number = 2; number <= validation_images; ++number) list += fmt::format(",[{}]", number % 1000);
  testing::write_plainly(temp / "real.json", list + "]");
  return temp / "real.json";
}

std::string image_name(int number) {
  return fmt::format("ILSVRC2012_val_{:08}.JPEG", number);
}

// A source that gives one sample.
template <int number, int classes>
SourceResult one_image(const SourceRequest&, const SampleSink& sink) {
  sink({"train", "any", {}, {}});
  if (number > 0) sink({"test", "val/" + image_name(number), {}, {}});
  return {std::vector<std::string>(classes, "a"), {{"test", {0}}}};
}

SourceResult in_another_order(const SourceRequest&, const SampleSink& sink) {
  sink({"test", image_name(1), {}, {}});
  std::vector<std::string> wnids;
  for (int i = 1000; i > 0; --i) wnids.push_back(fmt::format("n{:08}", i));
  return {wnids, {{"test", {0}}}};
}

TEST(ImagenetRealLabels, BelongToTheNumbersInTheTestImagesNames) {
  TempDir temp;
  SourceRequest request{"x", {}, {}};
  EXPECT_TRUE(read_with_real_labels(one_image<0, 3>, request, [](RawSample&&) {}).real_labels.empty());
  request.options.real_labels = write_list(temp);
  int samples = 0;
  const SourceResult result =
      read_with_real_labels(one_image<50'000, 1000>, request, [&](RawSample&&) { ++samples; });
  EXPECT_EQ(samples, 2);
  EXPECT_EQ(result.real_labels, (std::map<std::string, RealLabels>{{"test", {{0}}}}));
}

TEST(ImagenetRealLabels, SayWhatIsWrong) {
  TempDir temp;
  SourceRequest request{"x", {}, {}};
  request.options.real_labels = write_list(temp);
  const auto refused = [&](ReadSource read) {
    return error_of(ErrorKind::data, [&] { read_with_real_labels(read, request, [](RawSample&&) {}); });
  };
  EXPECT_EQ(refused(one_image<50'001, 1000>).find("x: val/ILSVRC2012_val_00050001.JPEG: not one of"), 0u);
  EXPECT_NE(refused(one_image<1, 999>).find("ImageNet's 1000 classes, x has 999"), std::string::npos);
  EXPECT_EQ(refused(one_image<0, 1000>), "x: has no test images for --real-labels");
  EXPECT_NE(refused(in_another_order).find("lists them in another order"), std::string::npos);
  request.splits = {"train"};
  error_of(ErrorKind::usage, [&] { read_with_real_labels(one_image<1, 1000>, request, {}); });
  request.splits = {"val"};
  testing::write_plainly(temp / "real.json", "[[1]]");
  EXPECT_NE(refused(one_image<1, 1000>).find("1 entries, expected 50000"), std::string::npos);
}

TEST(ImagenetRealLabels, AreKnownToFoldersAndShards) {
  TempDir temp;
  SourceOptions options;
  options.real_labels = write_list(temp);
  Files folder;
  for (int i = 0; i < 1000; ++i)
    folder.emplace_back(fmt::format("val/{:03}/{}", i, image_name(3000 + i)), png(1, 1, 0));
  testing::write_archive(temp / "folder.tar", folder);
  const RealLabels labels =
      testing::read("folder", temp / "folder.tar", {}, options).result.real_labels.at("test");
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(labels[static_cast<std::size_t>(i)], std::vector{i});

  testing::write_archive(temp / "val-0.tar", {{"ILSVRC2012_val_00000007.jpg", png(1, 1, 0)},
                                              {"ILSVRC2012_val_00000007.cls", "999"}});
  EXPECT_EQ(testing::read("webdataset", temp / "val-0.tar", {}, options).result.real_labels.at("test"),
            RealLabels{{7}});
}

}  // namespace
}  // namespace smlp
