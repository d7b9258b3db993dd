#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "smlp/formats/image.hpp"

namespace at {
class Tensor;
}

namespace smlp {

enum class FilterChoice { first, largest };  // rows as they stand; by their Euclidean norm, largest first

// The first layer's weights as the paper draws them (Figures 10 and 11): each row of weight [width, 3·S·S] as
// a picture of S × S, the maximum over the channels, scaled so that its own smallest value is black and its
// largest white; 25 of them as a 5 × 5 grid (fewer when the layer is narrower). Small pictures are enlarged
// by a whole factor to at least 64 pixels. Another number of columns than 3·S·S: Error(data).
Image first_layer_picture(const at::Tensor& weight, FilterChoice choice);
std::vector<std::int64_t> drawn_rows(const at::Tensor& weight, FilterChoice choice);

// How alike neighbouring weights of a row are: the correlation between a weight and the one to its right and
// below it in the same channel, over all rows of weight [width, 3·S·S]. 0 for independent weights, towards 1
// for smooth pictures; NaN when every channel of every row is constant, or S is 1.
double neighbour_correlation(const at::Tensor& weight);

// Pictures of equal height side by side, a gap between them.
Image side_by_side(const std::vector<Image>& pictures);

// These of what open_saved_model() opens, or of the weights that a model of that name starts with. A model
// without a first layer over whole images (linear_in.weight): Error(data).
struct FirstLayer {
  std::string of;  // the checkpoint or the file, or the model's name: "B-6/256, untrained"
  Image picture;
  std::vector<std::int64_t> rows;  // of the weight, as they are drawn: from the top left, row by row
  double correlation = 0;
};
FirstLayer first_layer_of(const std::string& path_or_model, bool best, FilterChoice choice);

}  // namespace smlp
