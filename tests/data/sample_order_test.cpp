#include "smlp/data/sample_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "support/images.hpp"

namespace smlp {
namespace {

std::vector<std::int64_t> epoch_of(const SampleOrder& order, std::int64_t n, std::uint32_t epoch) {
  std::vector<std::int64_t> images;
  for (std::int64_t k = 0; k < n; ++k) images.push_back(order(epoch, k));
  return images;
}

TEST(SampleOrder, EveryEpochSeesEveryImageOnceInItsOwnOrder) {
  for (const std::int64_t n : {1, 2, 3, 7, 100, 1001})
    for (const std::int64_t window : {0, 1, 2, 3, 10, 64, 999, 5000}) {
      const SampleOrder order(n, window, 5);
      for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
        std::vector<std::int64_t> images = epoch_of(order, n, epoch);
        if (n > 50) {
          EXPECT_NE(images, epoch_of(order, n, epoch + 1));
          EXPECT_NE(images, epoch_of(SampleOrder(n, window, 6), n, epoch));
        }
        std::sort(images.begin(), images.end());
        for (std::int64_t i = 0; i < n; ++i)
          ASSERT_EQ(images[static_cast<std::size_t>(i)], i) << n << " " << window;
      }
    }
}

TEST(SampleOrder, AWindowHoldsAllThatABatchTakesAndMovesThroughTheFileOnce) {
  const std::int64_t n = 10'000, window = 1000, batch = 50;
  const SampleOrder order(n, window, 1);
  for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
    const std::vector<std::int64_t> images = epoch_of(order, n, epoch);
    // Distances are taken around the file, for an epoch starts anywhere in it.
    const std::int64_t origin = order.next_run(epoch, 0).first - window / 2 - window / 4;
    for (std::int64_t first = 0; first + batch <= n; first += batch) {
      std::int64_t low = n, high = -n;
      for (std::int64_t k = first; k < first + batch; ++k) {
        std::int64_t ahead = (images[static_cast<std::size_t>(k)] - origin - first + 2 * n) % n;
        if (ahead > n / 2) ahead -= n;
        low = std::min(low, ahead);
        high = std::max(high, ahead);
      }
      EXPECT_GT(high - low, window / 4) << "it does shuffle";
      EXPECT_LE(high - low, window);
    }
  }
}

TEST(SampleOrder, TheNextRunCoversWhatComesNextBeforeItIsNeeded) {
  const std::int64_t n = 10'000, window = 1000;
  const SampleOrder order(n, window, 1);
  std::set<std::int64_t> read;
  const auto add = [&](const SampleOrder::Run& run) {
    for (std::int64_t i = 0; i < run.count; ++i) read.insert((run.first + i) % n);
  };
  const std::int64_t origin = order.next_run(0, 0).first - window / 2 - window / 4;
  add({(origin + n) % n, window / 2 + window / 4});
  for (std::int64_t k = 0; k < n; ++k) {
    ASSERT_TRUE(read.contains(order(0, k))) << k;
    add(order.next_run(0, k));
  }
  EXPECT_EQ(read.size(), static_cast<std::size_t>(n));
}

TEST(SampleOrder, SpreadTellsHowFarFromUniformItIs) {
  const std::int64_t n = 100'000;
  EXPECT_NEAR(SampleOrder(n, 0, 1).spread(0), 1, 0.05);
  double before = 0;
  for (const std::int64_t window : {100, 1000, 10'000, 50'000}) {
    const double spread = SampleOrder(n, window, 1).spread(0);
    EXPECT_GT(spread, before);
    EXPECT_LT(spread, 2.0 * static_cast<double>(window) / static_cast<double>(n));
    before = spread;
  }
}

TEST(SampleOrder, LabelDistanceTellsSortedFilesFromMixedOnes) {
  const auto mixed = testing::small_dataset(1000, 2, 10);  // labels 0 to 9 in turn
  DatasetInfo info = mixed->info();
  std::vector<std::int64_t> all(1000), sorted(1000);
  for (std::size_t i = 0; i < 1000; ++i) {
    all[i] = static_cast<std::int64_t>(i);
    sorted[i] = static_cast<std::int64_t>(i / 100);
  }
  const auto by_class = Dataset::from_memory(info, std::vector<std::uint8_t>(1000 * 12), sorted);
  EXPECT_NEAR(label_distance(*mixed, all, 100), 0, 1e-9);
  EXPECT_NEAR(label_distance(*by_class, all, 100), 0.9, 1e-9);
  EXPECT_NEAR(label_distance(*by_class, all, 500), 0.5, 1e-9);
  EXPECT_NEAR(label_distance(*by_class, all, 1000), 0, 1e-9);
}

}  // namespace
}  // namespace smlp
