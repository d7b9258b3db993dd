#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "smlp/data/dataset.hpp"

namespace smlp {

// The embedded data set: ten classes of textured shapes, 32 × 32 RGB, at random position, size, angle and
// colours on a cluttered background. Generated when opened, in about a second on two cores, the same on every
// call: a function of shapes_seed alone. Classes follow one another (label i mod 10). Easy enough for an MLP
// to show in two minutes that it learns, too hard for a linear model: nothing about it is meant as a
// benchmark.
inline constexpr std::uint64_t shapes_seed = 1;
inline constexpr int shapes_size = 32;
inline constexpr std::int64_t shapes_train_images = 20'000, shapes_test_images = 4'000;

// `split` is "train", "test" or "val" (the same as "test"); else Error(usage).
std::shared_ptr<const Dataset> shapes_dataset(const std::string& split);

}  // namespace smlp
