#pragma once
#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smlp/config/fields.hpp"

namespace smlp {

// What one layer costs for one image.
struct CostRow {
  std::string layer;  // the tensor-name prefix: "blocks.0.block.0"
  std::int64_t parameters = 0;
  std::int64_t macs = 0;  // fvcore's rule: one per multiply-add of matrix products and convolutions, 5 per
                          // element of an affine LayerNorm
  std::int64_t saved_bytes = 0;  // float32 activations kept for the backward pass
};

// A classifier of square images. Tensor names and their order equal the published checkpoints'.
class Model : public torch::nn::Module {
 public:
  // images [B, 3, S, S] float → features [B, width]
  virtual torch::Tensor features(const torch::Tensor& images) = 0;
  // features [B, width] → logits [B, classes]
  virtual torch::Tensor head(const torch::Tensor& features) = 0;
  torch::Tensor forward(const torch::Tensor& images) { return head(features(images)); }

  // One row per layer, in the order of the forward pass.
  virtual std::vector<CostRow> costs() const = 0;

  // What the names of the head's tensors begin with; everything else is the body.
  virtual std::string head_prefix() const { return "linear_out."; }
};

CostRow total(const std::vector<CostRow>& rows);

// Base of a model family's config.
class ModelConfig : public FieldGroup {
 public:
  enum class HeadInit { uniform, zero };  // as torch.nn.Linear draws it; all zeros

  std::optional<std::string> init_from;  // a run or checkpoint whose weights a new run starts with
  bool new_head = false;                 // start with a new head also where the class lists are the same
  HeadInit head_init = HeadInit::uniform;

  // Weights drawn from the tensor generator of the CPU (torch::manual_seed decides them). `classes` ≥ 2.
  virtual std::shared_ptr<Model> build(int image_size, int classes) const = 0;

 protected:
  void common_fields(FieldVisitor& v);
};

}  // namespace smlp
