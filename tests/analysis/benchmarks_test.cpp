#include "smlp/analysis/benchmarks.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "smlp/analysis/bench_roofline.hpp"
#include "support/errors.hpp"
#include "support/experiments.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::small_config;
using testing::TempDir;

BenchRow row(double images_per_s, double spread = 0.01) {
  return {.kind = "step",
          .model = "m",
          .precision = "fp32",
          .processor = "p",
          .threads = 2,
          .batch_size = 64,
          .classes = 10,
          .image_size = 32,
          .images_per_s = images_per_s,
          .repeats = 9,
          .spread = spread};
}

std::string verdict(const BenchRow& a, const BenchRow& b) {
  return compare_benchmarks({a}, {b}).at(0).verdict;
}

TEST(Benchmarks, AVerdictNeedsSpreadsThatAllowOne) {
  EXPECT_EQ(verdict(row(100), row(110)), "faster");
  EXPECT_EQ(verdict(row(100), row(90)), "slower");
  EXPECT_EQ(verdict(row(100), row(101.5)), "no difference") << "within the spreads";
  EXPECT_NE(verdict(row(100), row(200, 0.06)).find("none"), std::string::npos);
  EXPECT_EQ(verdict(row(100, 0), row(100.5, 0)), "no difference");
  BenchRow once = row(200, 0);
  once.repeats = 1;
  EXPECT_NE(verdict(row(100), once).find("repeats"), std::string::npos) << "one repeat has no spread";
  BenchRow elsewhere = row(200);
  elsewhere.processor = "q";
  EXPECT_NE(verdict(row(100), elsewhere).find("processors"), std::string::npos);
}

TEST(Benchmarks, OnlyWhatMeasuresTheSameIsCompared) {
  BenchRow other = row(200);
  other.precision = "bf16";
  EXPECT_EQ(compare_benchmarks({row(100), other}, {other, row(50)}).size(), 2u);
  error_of(ErrorKind::data, [&] { compare_benchmarks({row(100)}, {other}); });
}

TEST(Benchmarks, JsonReadsBackToItself) {
  BenchRow full = row(123.5);
  full.machine = {1e12, 2e10};
  full.of_limit = 0.5;
  const std::string text = bench_json({full, row(1)});
  EXPECT_EQ(bench_json(parse_bench_json(text, "a.json")), text);
  for (const char* broken :
       {"", "[]", "{}", "{\"rows\": 3}", "{\"rows\": [{}]}", "{\"rows\": [{\"kind\": 3}]}"})
    EXPECT_NE(error_of(ErrorKind::data, [&] { parse_bench_json(broken, "a.json"); }).find("a.json"),
              std::string::npos);
}

TEST(Benchmarks, RatesThatCannotBeAreRefused) {
  for (const BenchRow& impossible : {row(0), row(-5), row(100, -1)})
    error_of(ErrorKind::data, [&] { parse_bench_json(bench_json({impossible}), "a.json"); });
}

TEST(Benchmarks, TimeIsTheMediansAndWarmingUpIsNotInIt) {
  int calls = 0;
  const auto work = [&] { std::this_thread::sleep_for(std::chrono::milliseconds(calls++ == 0 ? 200 : 10)); };
  const Timing timing = time_calls(work, [] {}, {.repeats = 3, .repeat_seconds = 0.02});
  EXPECT_GE(timing.seconds, 0.010);
  EXPECT_LT(timing.seconds, 0.150);
  EXPECT_GE(timing.spread, 0);
}

// Of every kind: what was asked for is what was measured.
TEST(Benchmarks, RowsSayWhatTheyMeasured) {
  const TempDir folder;
  const RunConfig config = small_config(folder.path());
  const BenchOptions options{.classes = 7, .repeats = 2, .repeat_seconds = 0.01};
  const BenchRow step = bench_step(config, options);
  for (const BenchRow& found : {step, bench_forward(config, options)}) {
    EXPECT_EQ(found.classes, 7);
    EXPECT_EQ(found.batch_size, 64);
    EXPECT_EQ(found.parameters, total(config.model->costs(32, 7)).parameters);
    EXPECT_GT(found.images_per_s, 0);
    EXPECT_NEAR(found.images_per_s * found.batch_seconds, 64, 1e-6);
    EXPECT_GT(found.of_limit, 0);
    EXPECT_GT(found.machine.matrix_flops, 1e8);
    EXPECT_GT(found.machine.copy_bytes, 1e8);
  }
  EXPECT_EQ(step.kind, "step");
  const BenchRow loaded = bench_loader(config, options);
  EXPECT_EQ(loaded.kind, "loader");
  EXPECT_GT(loaded.images_per_s, 0);
  EXPECT_EQ(loaded.of_limit, 0) << "no limit is known";
  const BenchRow update = bench_optimizer(config, options);
  EXPECT_EQ(update.parameters, step.parameters);
  EXPECT_NEAR(update.images_per_s * update.batch_seconds, 1, 1e-6) << "updates a second";
}

TEST(Benchmarks, AnEpochAndCropsStandBesideTheirParts) {
  const TempDir folder;
  const RunConfig config = small_config(folder.path(), {"augment.crop={scale: [0.5, 1.0]}"});
  const BenchOptions options{.repeats = 2, .repeat_seconds = 0.01};
  const std::vector<BenchRow> epoch = bench_epoch(config, options), tta = bench_tta(config, options);
  ASSERT_EQ(epoch.size(), 3u);
  EXPECT_EQ(epoch[0].kind + epoch[1].kind + epoch[2].kind, "steploaderepoch");
  EXPECT_NEAR(epoch[2].of_limit * epoch[2].batch_seconds, epoch[0].batch_seconds + epoch[1].batch_seconds,
              1e-9);
  ASSERT_EQ(tta.size(), 2u);
  EXPECT_EQ(tta[0].kind + tta[1].kind, "forwardtta");
  EXPECT_NEAR(tta[1].of_limit * tta[1].batch_seconds, tta[0].batch_seconds, 1e-9);
  EXPECT_EQ(epoch[0].classes, 10) << "the data set's";
}

TEST(Benchmarks, ARooflineHoldsEveryProductOfTheModel) {
  const TempDir folder;
  for (const std::vector<std::string>& model :
       {std::vector<std::string>{"model.name=b_mlp", "model.norm=none"},
        {"model.name=mixer", "model.norm=none", "model.channel_hidden=16"},
        {"model.name=sparse_mlp", "model.norm=none", "model.structure=dense"}}) {
    SCOPED_TRACE(model[0]);
    const RunConfig config = small_config(folder.path(), model);
    const Roofline found = measure_roofline(config, {.classes = 7, .repeats = 1, .repeat_seconds = 0.001});
    const std::vector<CostRow> costs = config.model->costs(32, 7);
    double forward = 0, flops = 0;
    for (const Products& each : found.products) {
      forward += static_cast<double>(each.layers * each.vectors * each.in * each.out);
      flops += each.flops();
      EXPECT_GT(each.seconds(), 0);
    }
    EXPECT_EQ(forward, 64.0 * static_cast<double>(total(costs).macs));
    EXPECT_EQ(found.macs_part, 1);
    EXPECT_EQ(flops, 2 * 64.0 * static_cast<double>(3 * total(costs).macs - costs.front().macs))
        << "the images' gradient is no one's";
    EXPECT_NEAR(found.step.of_limit * found.step.batch_seconds,
                found.product_seconds() + found.byte_seconds(), 1e-9);
  }
}

}  // namespace
}  // namespace smlp
