#pragma once
#include <cstdint>
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
  std::int64_t saved_bytes = 0;    // float32 activations kept for the backward pass
  std::int64_t fixed_bytes = 0;    // kept beside the parameters, whatever the batch
  std::int64_t passing_bytes = 0;  // made for a product and let go after it, whatever the batch
};

// The sums; of passing_bytes the most.
CostRow total(const std::vector<CostRow>& rows);

// Base of a model family's keys. Families derive from it (models/b_mlp.hpp); networks/ builds what they say.
class ModelConfig : public FieldGroup {
 public:
  // Keys that contradict one another or the image size: Error(usage) naming them. Bounds of single keys are
  // those of fields().
  virtual void check(int /*image_size*/) const {}

  // One row a layer, in the order of the forward pass, of the model for images of image_size × image_size.
  virtual std::vector<CostRow> costs(int image_size, int classes) const = 0;

  // The width over the base's, by which µP scales; 1: nothing is scaled.
  virtual double width_multiplier() const { return 1; }

  // The sizes in a word or two, for a run's header: "depth 6, width 512".
  virtual std::string sizes() const = 0;
};

// What every model keeps to, before anything is allocated: check(), an image size of 1 to 4,096 pixels, 2 to
// 2^24 classes, at most 2^34 parameters. Error(usage) otherwise.
void check_model(const ModelConfig& config, int image_size, int classes);

}  // namespace smlp
