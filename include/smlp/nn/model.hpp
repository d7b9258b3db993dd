#pragma once
#include <torch/nn/module.h>

#include <string>
#include <vector>

namespace smlp {

// What a parameter does in its model, by which some optimisers and µP treat it: the weight that images reach
// first, the head's, any other of one dimension or less, or what lies between.
enum class Role { input, hidden, head, vector };

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

  // Width over the base's that rates and decay are scaled by (OptimizerConfig::width_rate); 1: they are not.
  double width_multiplier() const { return width_multiplier_; }
  void set_width_multiplier(double multiplier) { width_multiplier_ = multiplier; }

 private:
  double width_multiplier_ = 1;
};

// Of each parameter, in the model's order.
std::vector<Role> roles(const Model& model);

// Makes µP's start ("Tensor Programs V", arXiv 2203.03466, the form without multipliers of the output) of
// the usual one, which draws weights and biases with a variance of 1 / fan-in: the head's variance falls as
// 1 / width², and biases begin as at the base. `multiplier`: width over the base's.
void start_as_mup(Model& model, double multiplier);

}  // namespace smlp
