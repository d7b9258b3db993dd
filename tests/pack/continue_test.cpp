// What an interrupted pack leaves, and how the next one goes on with it.
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "smlp/core/files.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/pack/pack.hpp"
#include "support/errors.hpp"
#include "support/images.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::Files;
using testing::png;
using testing::TempDir;

// 800 small pictures that fill more than two blocks when they are enlarged to 256×256.
Files many_files() {
  Files files;
  for (int i = 0; i < 800; ++i) files.emplace_back(fmt::format("{}/{}.png", i % 3, i), png(6, 6, i));
  files[5].second = "broken";
  files[790].second = "broken";
  return files;
}

PackOptions two_blocks(const TempDir& temp) {
  if (!fs::exists(temp / "raw.tar")) testing::write_archive(temp / "raw.tar", many_files());
  PackOptions options;
  options.source = "folder";
  options.from = temp / "raw.tar";
  options.to = temp / "pack";
  options.size = 256;
  options.skip_bad = 2;
  return options;
}

void expect_same_pack(const fs::path& a, const fs::path& b) {
  for (const char* file : {"images.npy", "labels.npy", "names.txt", "dataset.json"})
    EXPECT_EQ(read_file(a / "train" / file, 1 << 30) == read_file(b / "train" / file, 1 << 30), true) << file;
}

TEST(ContinuedPack, GoesOnAfterAnInterruptionToTheSameFiles) {
  TempDir temp;
  PackOptions options = two_blocks(temp);
  options.to = temp / "whole";
  pack(options);
  options.to = temp / "pack";
  options.progress = [](std::int64_t done) {
    if (done > 700) fail(ErrorKind::failed, "interrupted");
  };
  error_of(ErrorKind::failed, [&] { pack(options); });
  EXPECT_FALSE(fs::exists(temp / "pack/train"));
  options.progress = {};
  options.resume = true;
  options.size = 128;
  EXPECT_NE(error_of(ErrorKind::usage, [&] { pack(options); }).find("holds another pack"), std::string::npos);
  options.size = 256;
  const PackReport report = pack(options);
  EXPECT_GE(report.continued, 341) << "the images of a block of 64 MiB";
  EXPECT_LT(report.continued, 798);
  EXPECT_EQ(report.left_out, 2);
  expect_same_pack(temp / "whole", temp / "pack");
  EXPECT_FALSE(fs::exists(temp / "pack/.packing"));
  open_dataset((temp / "pack").string(), "train")->verify();
}

// It has no hashes of the source yet: they are those of what is there now.
TEST(ContinuedPack, GoesOnTwiceWithWhatAnEarlierVersionLeft) {
  TempDir temp;
  PackOptions options = two_blocks(temp);
  const auto interrupt_at = [&](std::int64_t images) {
    options.progress = [images](std::int64_t done) {
      if (done > images) fail(ErrorKind::failed, "interrupted");
    };
    error_of(ErrorKind::failed, [&] { pack(options); });
    options.resume = true;
  };
  interrupt_at(500);
  const fs::path state = options.to / ".packing/state.json";
  auto json = nlohmann::json::parse(read_file(state, 1 << 20));
  ASSERT_EQ(json.erase("source_hashes"), 1u);
  write_file_atomically(state, json.dump());
  interrupt_at(750);
  options.progress = {};
  EXPECT_EQ(pack(options).splits.at(0).images, 798);
}

TEST(ContinuedPack, WhatWasLeftIsNeverThrownAwayAndRefusedForAChangedSource) {
  TempDir temp;
  PackOptions options = two_blocks(temp);
  options.progress = [](std::int64_t done) {
    if (done > 700) fail(ErrorKind::failed, "interrupted");
  };
  error_of(ErrorKind::failed, [&] { pack(options); });
  options.progress = {};
  options.resume = true;
  Files files = many_files();
  std::swap(files[10].second, files[11].second);
  fs::remove(temp / "raw.tar");
  testing::write_archive(temp / "raw.tar", files);
  EXPECT_NE(
      error_of(ErrorKind::data, [&] { pack(options); }).find("an image of train is another than before"),
      std::string::npos);
  fs::remove(temp / "raw.tar");
  testing::write_archive(temp / "raw.tar", {{"0/0.png", png(6, 6, 1)}, {"1/other.png", png(6, 6, 2)}});
  EXPECT_NE(error_of(ErrorKind::data, [&] { pack(options); }).find("\"1/other.png\" where \"1/1.png\" was"),
            std::string::npos);
  options.resume = false;
  EXPECT_NE(error_of(ErrorKind::data, [&] { pack(options); }).find("go on with --continue"),
            std::string::npos);
  EXPECT_TRUE(fs::exists(temp / "pack/.packing/state.json"));
  fs::remove_all(temp / "pack/.packing");
  EXPECT_EQ(pack(options).splits.at(0).images, 2);
}

// Whoever sent the signal learns that it ended the pack; an error that only meets one keeps its own exit
// code.
TEST(ContinuedPack, ASignalEndsItAsAnInterruption) {
  const auto pack_and_exit = [](const std::function<void()>& at_progress) {
    catch_stop_signals();
    TempDir temp;
    PackOptions options = two_blocks(temp);
    options.progress = [&](std::int64_t) { at_progress(); };
    try {
      pack(options);
    } catch (const Interrupted&) {
      std::_Exit(128 + stop_signal());
    } catch (const Error& error) {
      std::_Exit(static_cast<int>(error.kind()));
    }
  };
  EXPECT_EXIT(pack_and_exit([] { raise(SIGTERM); }), ::testing::ExitedWithCode(128 + SIGTERM), "");
  const auto full_disk = [] {
    raise(SIGTERM);
    fail(ErrorKind::failed, "No space left on device");
  };
  EXPECT_EXIT(pack_and_exit(full_disk), ::testing::ExitedWithCode(1), "");
}

}  // namespace
}  // namespace smlp
