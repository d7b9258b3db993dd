#pragma once
#include "smlp/nn/convolution.hpp"

namespace smlp {

struct RepMlpShape {
  std::int64_t channels,
      share_sets;          // which divide the channels: channel c has the weights c modulo their number
  std::int64_t partition;  // pixels a side; they divide the map's
  std::int64_t reduction;  // the global perceptron has channels / reduction inside
  std::vector<std::int64_t> kernels;  // of the convolutions, odd; none when merged
  bool merged;
};

// The RepMLP block (arXiv 2112.11081) on maps [B, channels, H, W], whose result has the same shape. Each
// partition of each channel is a vector of its pixels, mixed by a linear layer fc3 with batch norm; beside it
// convolutions with batch norm see the partition padded with zeros. The sum is scaled by the global
// perceptron, sigmoid(fc2(relu(fc1(the mean over the map)))). Layers begin as PyTorch's do.
// Tensors: gp.{fc1,fc2}.{weight,bias} [out, in, 1, 1], fc3.weight [share_sets · pixels, pixels, 1, 1] with
// the pixels of a partition, fc3_bn.*, repconvK.{conv,bn}.*; merged: fc3.bias in place of the last two.
class RepMlpBlock : public torch::nn::Module {
 public:
  explicit RepMlpBlock(RepMlpShape shape);
  torch::Tensor forward(const torch::Tensor& x);

  // Gives `merged`, which differs in that alone, the weights with which it computes the same in evaluation.
  void merge_into(const RepMlpBlock& merged) const;

 private:
  class GlobalPerceptron;

  torch::Tensor mix(const torch::Tensor& partitions) const;                    // fc3
  torch::Tensor as_matrices(const Convolution& convolution) const;             // one a share set, in double
  std::int64_t pixels() const { return shape_.partition * shape_.partition; }  // of a partition

  RepMlpShape shape_;
  std::shared_ptr<GlobalPerceptron> gp_;
  torch::Tensor fc3_weight_, fc3_bias_;
  std::shared_ptr<NormLayer> fc3_bn_;
  std::vector<std::shared_ptr<NormedConvolution>> convolutions_;
};

}  // namespace smlp
