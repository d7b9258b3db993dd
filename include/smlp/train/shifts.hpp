#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "smlp/train/evaluator.hpp"

namespace smlp {

// Over the images moved by some pixels to the left, right, up and down, each alone: the mean of the four.
struct Stability {
  double agreement = 0;  // %: predicted as the image that was not moved
  double top1 = 0;       // %
};

// `padded`: zero after normalisation comes into view, as a convolution pads. `cropped`: a window moves over
// the image, which is resized to be larger than the window by `most` on each side.
struct ShiftResult {
  std::int64_t pixels = 0;
  Stability padded, cropped;
};

// Shifts of up to `most` pixels that leave nothing of an image, or none: Error(usage).
void check_shifts(std::int64_t most, int image_size);

// The model in evaluation mode over images moved by 0, 1, …, `most` pixels (below the image's side). With
// permute_pixels an image is moved before its pixels are permuted. A batch that was rendered once serves
// every shift. nullopt when a stop signal came in between.
std::optional<std::vector<ShiftResult>> evaluate_shifts(Model& model, const Device& device,
                                                        std::shared_ptr<const Dataset> dataset,
                                                        const ChannelStatistics& normalization,
                                                        const EvaluationOptions& options, std::int64_t most);

}  // namespace smlp
