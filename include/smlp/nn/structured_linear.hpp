#pragma once
#include <torch/nn/module.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "smlp/models/structure.hpp"
#include "smlp/nn/connections.hpp"

namespace smlp {

// y = W·x + b for x [B, in] → y [B, out], where W is what its factors make (models/structure.hpp). It is
// multiplied by factor by factor and never built, but where masked layers are dense. Tensors: the factors',
// and bias [out]; of a masked layer the buffer mask [out, in] of booleans.
class StructuredLinear : public torch::nn::Module {
 public:
  // As torch_start_() draws it.
  StructuredLinear(const StructureConfig& config, std::int64_t in, std::int64_t out);
  torch::Tensor forward(const torch::Tensor& x);

  // As init: structured has it (models/sparse_mlp.hpp); zero: the last factor is.
  void structured_start_(bool zero);
  // As torch.nn.Linear draws a weight of each factor's fan-in.
  void torch_start_();

  // What a factor's rate is multiplied with, see factor_rates in models/sparse_mlp.hpp.
  struct Rate {
    const char* factor;
    double times;
  };
  std::vector<Rate> rates() const;

 private:
  StructureConfig config_;
  std::int64_t in_;
  LayerShape shape_;
  std::vector<torch::Tensor> factors_;
  torch::Tensor bias_;
  std::optional<Connections> connections_;  // of a masked layer
};

}  // namespace smlp
