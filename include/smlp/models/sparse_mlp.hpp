#pragma once
#include "smlp/models/b_mlp.hpp"
#include "smlp/models/s_mlp.hpp"
#include "smlp/models/structure.hpp"

namespace smlp {

// A B-MLP or S-MLP whose linear layers are of a structure (models/structure.hpp); the head, and unless
// structured_input is set the embedding, are dense.
// At the start (init: structured, after arXiv 2406.06248) a factor of fan-in i and fan-out o is normal with
// deviation √(1/i)·min(1, √(o/i)); biases, the head and, where there is a skip, the last factor of each block
// are zero. init: torch draws a factor as torch.nn.Linear draws a weight of its fan-in. With factor_rates the
// rate of a factor under LION and AdamW is the layer's × in / (i · number of factors).
// Tensors: the base's, the weights of structured layers replaced by their factors:
// "blocks.0.block.2.left_blocks". Masks are buffers of booleans.
class SparseMlpConfig : public ModelConfig {
 public:
  enum class Kind { b_mlp, s_mlp };
  enum class Init { structured, torch };

  Kind kind = Kind::b_mlp;
  BMlpConfig b_mlp;  // the keys of the kind that it is, the other's are unused
  SMlpConfig s_mlp;
  StructureConfig layers;
  bool structured_input = false;
  Init init = Init::structured;
  bool factor_rates = true;

  void fields(FieldVisitor& v) override;
  void check(int image_size) const override;
  std::vector<CostRow> costs(int image_size, int classes) const override;
  std::string sizes() const override;

  // How the layer that is called so, "linear_in", "layers.0" or "blocks.0.block.2", is made.
  StructureConfig structure_of(const std::string& layer) const;

  // Whether that layer starts at zero, where init is structured: it is a block's last, with a skip around.
  bool starts_at_zero(const std::string& layer) const;

  // "B-6/512-btt4", and so on with the other structures.
  static const std::vector<Preset>& presets();
  // Weights of dense layers are a B-MLP's or an S-MLP's.
  static std::optional<RecognisedModel> recognise(const TensorShapes& shapes);

 private:
  const ModelConfig& base() const;
  std::int64_t width() const { return kind == Kind::b_mlp ? b_mlp.width : s_mlp.width; }
  struct Sizes {
    std::int64_t in, out;
  };
  // Of a linear layer but the head; of what is none: nullopt.
  std::optional<Sizes> sizes_of(const std::string& layer, int image_size) const;
};

}  // namespace smlp
