#pragma once
#include <string>
#include <vector>

#include "smlp/models/registry.hpp"

namespace smlp {

// RepMLPNet (arXiv 2112.11081): patches are embedded, then stages of blocks on maps [channels, side, side],
// each stage's map half as wide as that of the one before. A block is y = x + RepMLP(BN(x)), then y +
// FFN(BN(y)); RepMLP is nn/repmlp_block. Merged, fc3 has a bias and has taken in its batch norm and the
// convolutions beside it. At the start everything is as PyTorch's layers begin, as in the original.
// Tensors: conv_embedding.{conv,bn}.*,
// stages.S.B.{repmlp_block.{gp.fc1,gp.fc2,fc3,fc3_bn,repconvK.{conv,bn}},
// ffn_block.{ffn_fc1,ffn_fc2}.{conv,bn},prebn1,prebn2}.*, embeds.S.{conv,bn}.*, head_norm.*, head.*.
class RepMlpConfig : public ModelConfig {
 public:
  std::int64_t patch_size = 4;                // pixels a side
  std::vector<std::int64_t> blocks{2, 2, 2};  // of each stage, and so with the next two
  std::vector<std::int64_t> channels{64, 128, 256};
  std::vector<std::int64_t> share_sets{1, 4, 16};  // channel c is mixed by the weights c modulo this number
  std::vector<std::int64_t> partition;             // a side, of each stage; empty: the whole map
  std::vector<std::int64_t> kernels{1, 3};         // of the convolutions; of no effect when merged
  std::int64_t reduction = 4;                      // of the channels inside the global perceptron
  std::int64_t expansion = 4;                      // of the channels inside the FFN
  bool merged = false;

  struct Stage {
    std::int64_t blocks, channels, share_sets;
    std::int64_t side, partition;  // of the map, and of its partitions
    std::int64_t pixels() const { return side * side; }
    std::int64_t inputs() const { return partition * partition; }  // of fc3, of each share set
  };
  // Of images that check() takes; others: Error(usage), as check() says.
  std::vector<Stage> stages(int image_size) const;
  std::vector<std::int64_t> convolutions() const { return merged ? std::vector<std::int64_t>{} : kernels; }

  void fields(FieldVisitor& v) override;
  void check(int image_size) const override;
  std::vector<CostRow> costs(int image_size, int classes) const override;
  std::string sizes() const override;

  // "repmlp_b224", also by the paper's spelling "RepMLPNet-B224".
  static const std::vector<Preset>& presets();
  // Weights fit images of every size of which their partitions cover each map: the smallest is assumed.
  static std::optional<RecognisedModel> recognise(const TensorShapes& shapes);

 private:
  // What is wrong with the keys; empty: nothing.
  std::string problem(int image_size) const;
  std::string list_problem() const;
  std::string image_problem(int image_size) const;
  std::string stage_problem(std::size_t i, int image_size) const;
};

}  // namespace smlp
