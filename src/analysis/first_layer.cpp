#include "smlp/analysis/first_layer.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/data/pixel_permutation.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/saved_model.hpp"

namespace smlp {
namespace {

constexpr int grid = 5, gap = 2, wide_gap = 12, least_side = 64;
constexpr std::uint8_t paper = 255;

std::int64_t side_of(const torch::Tensor& weight) {
  const std::int64_t columns = weight.dim() == 2 ? weight.size(1) : 0;
  const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(columns) / 3)));
  if (columns == 0 || 3 * side * side != columns)
    fail(ErrorKind::data, "a first layer of {} inputs does not see square colour images", columns);
  return side;
}

torch::Tensor float_rows(const torch::Tensor& weight) {
  return weight.detach().to(torch::kCPU, torch::kFloat32);
}

// [25, S, S] uint8
torch::Tensor filters(const torch::Tensor& weight, FilterChoice choice) {
  const std::int64_t side = side_of(weight);
  const std::vector<std::int64_t> drawn = drawn_rows(weight, choice);
  const torch::Tensor pictures = float_rows(weight)
                                     .index_select(0, torch::tensor(drawn))
                                     .reshape({std::ssize(drawn), 3, side, side})
                                     .amax(1);
  const torch::Tensor low = pictures.amin({1, 2}, true), high = pictures.amax({1, 2}, true);
  return ((pictures - low) / (high - low).clamp_min(1e-12) * 255).round().to(torch::kUInt8).contiguous();
}

void draw(Image& page, int left, int top, const std::uint8_t* grey, int side, int factor) {
  for (int y = 0; y < side * factor; ++y)
    for (int x = 0; x < side * factor; ++x)
      std::memset(&page.pixels[3 * (static_cast<std::size_t>(top + y) * page.width + left + x)],
                  grey[y / factor * side + x / factor], 3);
}

Image blank(int width, int height) {
  return {width, height, std::vector<std::uint8_t>(std::size_t{3} * width * height, paper)};
}

}  // namespace

std::vector<std::int64_t> drawn_rows(const torch::Tensor& weight, FilterChoice choice) {
  const std::int64_t count = std::min<std::int64_t>(grid * grid, weight.size(0));
  const torch::Tensor order = choice == FilterChoice::largest
                                  ? float_rows(weight).norm(2, 1).argsort(0, /*descending=*/true)
                                  : torch::arange(weight.size(0));
  const std::int64_t* const first = order.const_data_ptr<std::int64_t>();
  return {first, first + count};
}

Image first_layer_picture(const torch::Tensor& weight, FilterChoice choice) {
  const torch::Tensor pictures = filters(weight, choice);
  const int side = static_cast<int>(pictures.size(1)), factor = (least_side + side - 1) / side;
  const int cell = side * factor + gap, size = grid * cell - gap;
  Image page = blank(size, size);
  for (int i = 0; i < pictures.size(0); ++i)
    draw(page, i % grid * cell, i / grid * cell,
         pictures.const_data_ptr<std::uint8_t>() + std::int64_t{i} * side * side, side, factor);
  return page;
}

double neighbour_correlation(const torch::Tensor& weight) {
  const std::int64_t side = side_of(weight);
  torch::Tensor pictures =
      weight.detach().to(torch::kCPU, torch::kFloat64).reshape({weight.size(0), 3, side, side});
  pictures = pictures - pictures.mean({2, 3}, true);
  const auto without = [&](std::int64_t dim, std::int64_t start) {
    return pictures.narrow(dim, start, side - 1);
  };
  double products = 0, squares = 0;
  for (const std::int64_t dim : {2, 3}) {
    const torch::Tensor first = without(dim, 0), second = without(dim, 1);
    products += (first * second).sum().item<double>();
    squares += (first.square().sum() + second.square().sum()).item<double>() / 2;
  }
  return products / squares;
}

Image side_by_side(const std::vector<Image>& pictures) {
  int width = -wide_gap, height = 0;
  for (const Image& each : pictures) {
    width += each.width + wide_gap;
    height = std::max(height, each.height);
  }
  Image page = blank(std::max(width, 0), height);
  int left = 0;
  for (const Image& each : pictures) {
    for (int y = 0; y < each.height; ++y)
      std::memcpy(&page.pixels[3 * (static_cast<std::size_t>(y) * page.width + left)],
                  &each.pixels[std::size_t{3} * y * each.width], std::size_t{3} * each.width);
    left += each.width + wide_gap;
  }
  return page;
}

namespace {

struct Weight {
  std::string of;
  torch::Tensor value;
};

// Columns as the image lies, where a run permuted its pixels.
torch::Tensor in_image_order(const torch::Tensor& weight, const DataConfig& data) {
  if (!data.permute_pixels) return weight;
  const torch::Tensor order = torch::tensor(
      pixel_permutation(*data.permute_pixels, static_cast<int>(data.image_size)), torch::kInt64);
  return weight.detach().view({weight.size(0), 3, -1}).index_select(2, order.argsort()).flatten(1);
}

// Saved ones, or those a model of that name starts with.
Weight first_layer_weight(const std::string& path, bool best) {
  std::shared_ptr<Model> model;
  DataConfig data;
  std::string of;
  if (!fs::exists(path) && names_a_model(path)) {
    const RunConfig config = load_run_config(std::nullopt, {make_override("model.name", path, path)});
    torch::manual_seed(0);
    model = build_model(config.model, static_cast<int>(config.data.image_size), 2);
    of = path + ", untrained";
  } else {
    const SavedModel saved = open_saved_model(path, best);
    model = saved.model;
    data = saved.config.data;
    of = (fs::path(path).is_absolute() ? saved.checkpoint : fs::proximate(saved.checkpoint)).string();
  }
  for (const auto& item : model->named_parameters())
    if (item.key() == "linear_in.weight") return {of, in_image_order(item.value(), data)};
  fail(ErrorKind::data, "{}: the model has no first layer over whole images (linear_in.weight)", path);
}

}  // namespace

FirstLayer first_layer_of(const std::string& path, bool best, FilterChoice choice) {
  const auto [of, weight] = first_layer_weight(path, best);
  return {of, first_layer_picture(weight, choice), drawn_rows(weight, choice), neighbour_correlation(weight)};
}

}  // namespace smlp
