#pragma once
#include <torch/nn/module.h>

#include <cstdint>

#include "smlp/models/structure.hpp"

namespace smlp {

// The fixed connections of a masked layer, kept as the layer's buffer "mask" [out, in] of booleans. `values`
// [connections] belong to the places that are true, row by row.
class Connections {
 public:
  // Draws which `count` of in·out there are, all choices being equally likely, from the CPU's tensor
  // generator.
  Connections(torch::nn::Module& layer, std::int64_t count, std::int64_t in, std::int64_t out,
              MaskedKernel kernel);

  // W·x + bias for x [B, in] → [B, out]. After the mask was written to, the first call waits for the device.
  torch::Tensor multiply(const torch::Tensor& x, const torch::Tensor& values, const torch::Tensor& bias);

 private:
  bool is_sparse(const torch::Tensor& x, const torch::Tensor& values) const;
  void follow_mask();

  MaskedKernel kernel_;
  torch::Tensor mask_;
  // What follows is made of the mask when it was this.
  const void* made_of_ = nullptr;
  std::uint32_t version_ = 0;
  double density_ = 0;
  torch::Tensor places_;  // row · in + column
  struct SparseRows {
    torch::Tensor starts, columns;  // int32
  };
  SparseRows rows_, transposed_;
  torch::Tensor order_;  // the transposed matrix's values are values[order]
};

}  // namespace smlp
