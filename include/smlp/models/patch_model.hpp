#pragma once
#include <string>
#include <vector>

#include "smlp/models/registry.hpp"

namespace smlp {

// Keys and costs that families on patches share: a stem embeds each patch of the image as a token, blocks mix
// tokens [T, width], a norm, the mean over the tokens, and the head. Tensor names are timm's: stem.proj.*,
// blocks.N.*, norm.*, head.*.
class PatchModelConfig : public ModelConfig {
 public:
  std::int64_t patch_size = 4;  // pixels a side; divides the image's
  std::int64_t depth = 8;       // blocks
  std::int64_t width = 256;     // of a token

  void fields(FieldVisitor& v) override;
  void check(int image_size) const override;
  std::vector<CostRow> costs(int image_size, int classes) const override;
  std::string sizes() const override;

  std::int64_t tokens(int image_size) const;

 protected:
  // The rows of one block; `name` ends with a dot.
  virtual std::vector<CostRow> block_costs(const std::string& name, std::int64_t tokens) const = 0;
  virtual CostRow norm_costs(const std::string& name, std::int64_t tokens) const;
};

}  // namespace smlp
