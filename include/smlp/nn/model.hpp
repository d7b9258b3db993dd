#pragma once
#include <torch/nn/module.h>

#include <string>

namespace smlp {

// A classifier of square images. Tensor names and their order equal the published checkpoints'. Buffers of
// whole numbers with dimensions hold permutations along the last, buffers of booleans are masks of which as
// many places are true as in the model that was built: neither changes in training, and values that are
// none are never loaded.
class Model : public torch::nn::Module {
 public:
  // images [B, 3, S, S] float → features [B, width]
  virtual torch::Tensor features(const torch::Tensor& images) = 0;
  // features [B, width] → logits [B, classes]
  virtual torch::Tensor head(const torch::Tensor& features) = 0;
  torch::Tensor forward(const torch::Tensor& images) { return head(features(images)); }

  // What the names of the head's tensors begin with; everything else is the body.
  virtual std::string head_prefix() const { return "linear_out."; }

  // What a parameter's rate is multiplied with under optimisers whose steps do not grow with the gradient.
  virtual double rate(const std::string& /*parameter*/) const { return 1; }
};

}  // namespace smlp
