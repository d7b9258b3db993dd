#pragma once
#include <cstdint>
#include <vector>

namespace smlp {

// data.permute_pixels: place i of what a model sees, row by row, is place permutation[i] of the finished
// image, in every channel. A function of seed and size.
std::vector<std::int64_t> pixel_permutation(std::int64_t seed, int image_size);

}  // namespace smlp
