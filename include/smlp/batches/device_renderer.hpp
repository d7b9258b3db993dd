#pragma once
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "smlp/batches/batch.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/kernels/rendering.hpp"

namespace smlp {

// Whether batches of images of so many pixels a side are rendered on this device: on a CUDA device for which
// kernels are wanted (device.kernels) and can be compiled, up to a side of 1,024, for the taps of all lengths
// of larger ones would take much memory.
bool renders_on(torch::Device device, int source_size);

// What is the same for every image: taps of all lengths, normalisation, the order of the pixels.
class RenderTables {
 public:
  // As Renderer's.
  RenderTables(int source_size, int output_size, const ChannelStatistics& normalization,
               std::optional<std::int64_t> permute_pixels, torch::Device device);

  // Of views into pixels, both in the tables' device's memory.
  Rendering rendering(const std::uint8_t* pixels, const ImageView* views) const;
  int size() const { return constants_.size; }

 private:
  Rendering constants_{};
  torch::Tensor counts_, first_, weights_, order_;
};

// Renders on a CUDA device what Renderer renders on a host, with the same bits (bfloat16: rounded).
class DeviceRenderer {
 public:
  // type: of the images, float32 or bfloat16. pixels: for views without their own.
  DeviceRenderer(RenderTables tables, torch::ScalarType type, torch::Tensor pixels = {})
      : tables_(std::move(tables)), type_(type), pixels_(std::move(pixels)) {}

  // [B, 3, size, size] from views that are on the device, on LibTorch's current stream.
  torch::Tensor operator()(const Views& views) const;

 private:
  RenderTables tables_;
  torch::ScalarType type_;
  torch::Tensor pixels_;
};

// All images of a set, as packed, in a device's memory: [N, size, size, 3] uint8.
torch::Tensor packed_on(torch::Device device, const Dataset& dataset);

}  // namespace smlp
