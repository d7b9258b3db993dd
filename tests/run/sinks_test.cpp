#include "smlp/run/sinks.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "support/errors.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::TempDir;

MetricRow eval_row(std::int64_t step) {
  return {"eval",
          step,
          1,
          {{"loss", 2.5},
           {"top1", 50},
           {"top5", 90},
           {"score", 45},
           {"train_loss", std::numeric_limits<double>::quiet_NaN()},
           {"lr", 0.1}}};
}

TEST(Sinks, KeepEveryRowAndSayTheirSizes) {
  const TempDir folder;
  Sinks sinks(folder.path(), nullptr);
  sinks.write({"train", 3, 0.5, {{"loss", 1.5}}});
  sinks.write(eval_row(4));
  log().info("a line");
  sinks.sync();
  const LogSizes sizes = sinks.sizes();
  EXPECT_EQ(
      read_file(folder / "metrics.jsonl", 1 << 20),
      "{\"kind\":\"train\",\"step\":3,\"epoch\":0.5,\"loss\":1.5}\n"
      "{\"kind\":\"eval\",\"step\":4,\"epoch\":1.0,\"loss\":2.5,\"top1\":50.0,\"top5\":90.0,\"score\":45.0,"
      "\"train_loss\":null,\"lr\":0.1}\n");
  EXPECT_EQ(read_file(folder / "summary.csv", 1 << 20),
            "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr,score\n1,,2.5,50,90,0.1,45\n");
  EXPECT_NE(read_file(folder / "log.txt", 1 << 20).find("a line"), std::string::npos);
  EXPECT_EQ(sizes.size(), 4u);
  for (const auto& [name, size] : sizes) EXPECT_EQ(fs::file_size(folder / name), size) << name;
}

TEST(Sinks, GoOnFromACheckpointsSizes) {
  const TempDir folder;
  LogSizes sizes;
  {
    Sinks sinks(folder.path(), nullptr);
    sinks.write(eval_row(1));
    sizes = sinks.sizes();
    sinks.write(eval_row(2));  // after the checkpoint
  }
  const std::string at_checkpoint =
      read_file(folder / "summary.csv", 1 << 20).substr(0, sizes.at("summary.csv"));
  {
    Sinks sinks(folder.path(), &sizes);
    sinks.write(eval_row(2));
  }
  EXPECT_EQ(read_file(folder / "summary.csv", 1 << 20), at_checkpoint + "1,,2.5,50,90,0.1,45\n");
  fs::resize_file(folder / "metrics.jsonl", sizes.at("metrics.jsonl") - 1);
  EXPECT_NE(error_of(ErrorKind::data, [&] { Sinks(folder.path(), &sizes); }).find("metrics.jsonl"),
            std::string::npos);
}

TEST(Sinks, LogsThatCannotBeCutBackAreRefusedUntouched) {
  const TempDir folder;
  LogSizes sizes;
  {
    Sinks sinks(folder.path(), nullptr);
    sinks.write(eval_row(1));
    sizes = sinks.sizes();
  }
  const auto refusal = [&] { return error_of(ErrorKind::data, [&] { check_logs(folder.path(), sizes); }); };
  check_logs(folder.path(), sizes);
  const std::string rows = read_file(folder / "summary.csv", 1 << 20);
  write_file_atomically(folder / "summary.csv", "sep=,\r\n" + rows);  // as a spreadsheet saves it
  EXPECT_NE(refusal().find("other lines"), std::string::npos);
  write_file_atomically(folder / "summary.csv", rows.substr(1));
  EXPECT_NE(refusal().find("move it away"), std::string::npos);
  fs::remove(folder / "summary.csv");
  check_logs(folder.path(), sizes);  // a warning
  fs::create_directory(folder / "summary.csv");
  EXPECT_NE(refusal().find("not a regular file"), std::string::npos);
  sizes = {{"../other", 0}};
  EXPECT_NE(refusal().find("../other"), std::string::npos);
}

TEST(Sinks, AnEarlierVersionsTableGoesOnWithItsColumns) {
  const TempDir folder;
  const std::string begun = "epoch,train_loss,eval_loss,eval_top1,eval_top5,lr\n1,2,2.5,50,90,0.1\n";
  write_file_atomically(folder / "summary.csv", begun);
  const LogSizes sizes{{"summary.csv", begun.size()}};
  Sinks(folder.path(), &sizes).write(eval_row(4));
  EXPECT_EQ(read_file(folder / "summary.csv", 1 << 20), begun + "1,,2.5,50,90,0.1\n");
}

TEST(Sinks, ANewRunStartsWithEmptyLogs) {
  const TempDir folder;
  { Sinks(folder.path(), nullptr).write(eval_row(1)); }
  Sinks sinks(folder.path(), nullptr);
  EXPECT_EQ(fs::file_size(folder / "metrics.jsonl"), 0u);
}

}  // namespace
}  // namespace smlp
