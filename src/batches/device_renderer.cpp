#include "smlp/batches/device_renderer.hpp"

#include <algorithm>

#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"
#include "smlp/data/pixel_permutation.hpp"
#include "smlp/data/renderer.hpp"
#include "smlp/device/capability.hpp"
#include "smlp/device/cuda_kernel.hpp"
#include "smlp/device/fused.hpp"

namespace smlp {
namespace {

template <class T>
torch::Tensor on_device(const std::vector<T>& values, torch::Device device) {
  return torch::tensor(at::ArrayRef<T>(values), c10::CppTypeToScalarType<T>::value).to(device);
}

}  // namespace

bool renders_on(torch::Device device, int source_size) {
  constexpr int largest = 1024;
  if (source_size > largest || !device.is_cuda() || !fused_kernels() || !cuda_driver().problem.empty())
    return false;
  torch::empty({1}, device);  // makes the context in which kernels are loaded
  return kernel_problem().empty();
}

RenderTables::RenderTables(int source_size, int output_size, const ChannelStatistics& normalization,
                           std::optional<std::int64_t> permute_pixels, torch::Device device) {
  std::vector<Taps> taps;
  std::vector<int> counts;
  for (int length = 0; length <= source_size; ++length) {
    taps.push_back(length == 0 ? Taps{} : make_taps(length, output_size));
    counts.push_back(taps.back().count);
  }
  const int most = *std::max_element(counts.begin(), counts.end());
  std::vector<int> first(taps.size() * output_size);
  std::vector<float> weights(first.size() * most);
  for (std::size_t length = 1; length < taps.size(); ++length)
    for (int i = 0; i < output_size; ++i) {
      const std::size_t row = length * output_size + i;
      first[row] = taps[length].first[i];
      std::copy_n(taps[length].weights.begin() + std::ptrdiff_t{i} * counts[length], counts[length],
                  weights.begin() + static_cast<std::ptrdiff_t>(row * most));
    }
  counts_ = on_device(counts, device);
  first_ = on_device(first, device);
  weights_ = on_device(weights, device);
  if (permute_pixels) order_ = on_device(pixel_permutation(*permute_pixels, output_size), device);
  constants_ = {.pixels = nullptr,
                .views = nullptr,
                .counts = counts_.const_data_ptr<int>(),
                .first = first_.const_data_ptr<int>(),
                .weights = weights_.const_data_ptr<float>(),
                .order = permute_pixels
                             ? reinterpret_cast<const long long*>(order_.const_data_ptr<std::int64_t>())
                             : nullptr,
                .source = source_size,
                .size = output_size,
                .most_taps = most,
                .scale = {},
                .shift = {}};
  const PixelScale scale = pixel_scale(normalization);
  std::copy(scale.scale.begin(), scale.scale.end(), constants_.scale);
  std::copy(scale.shift.begin(), scale.shift.end(), constants_.shift);
}

Rendering RenderTables::rendering(const std::uint8_t* pixels, const ImageView* views) const {
  Rendering result = constants_;
  result.pixels = pixels;
  result.views = views;
  return result;
}

torch::Tensor DeviceRenderer::operator()(const Views& views) const {
  static CudaKernel kernel("render", Contraction::off);
  const std::int64_t images = views.boxes.size(0) - (views.mixed ? 1 : 0), size = tables_.size();
  const torch::Tensor out =
      torch::empty({images, 3, size, size}, torch::TensorOptions(type_).device(views.boxes.device()));
  const std::int64_t tiles = (size * size + render_threads - 1) / render_threads;
  const std::int64_t runs = (images + render_run - 1) / render_run;
  const torch::Tensor& pixels = views.pixels.defined() ? views.pixels : pixels_;
  const auto* const boxes = reinterpret_cast<const ImageView*>(views.boxes.const_data_ptr<int>());
  kernel.launch(out.device(), static_cast<unsigned>(tiles * runs), render_threads,
                tables_.rendering(pixels.const_data_ptr<std::uint8_t>(), boxes), out.mutable_data_ptr(),
                static_cast<int>(type_ == torch::kBFloat16), static_cast<long long>(images),
                static_cast<int>(views.mixed), views.own_weight, views.other_weight);
  return out;
}

torch::Tensor packed_on(torch::Device device, const Dataset& dataset) {
  const std::int64_t side = dataset.image_size();
  constexpr double long_to_read = 1 << 30;
  if (const double bytes = 3.0 * static_cast<double>(side * side * dataset.size()); bytes > long_to_read)
    log().info("{}: {} of images are read and kept on the device", dataset.description(), human_bytes(bytes));
  // The only copy from it, and no one writes to it.
  auto* const mapped = const_cast<std::uint8_t*>(dataset.image(0));
  return torch::from_blob(mapped, {dataset.size(), side, side, 3}, torch::kUInt8).to(device, false, true);
}

}  // namespace smlp
