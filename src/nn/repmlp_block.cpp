#include "smlp/nn/repmlp_block.hpp"

#include "smlp/nn/folding.hpp"
#include "smlp/nn/init.hpp"

namespace smlp {
namespace {

using torch::Tensor;

}  // namespace

class RepMlpBlock::GlobalPerceptron : public torch::nn::Module {
  // A linear layer whose weight [out, in, 1, 1] is named and shaped as a convolution's.
  class Pointwise : public torch::nn::Module {
   public:
    Pointwise(std::int64_t in, std::int64_t out)
        : weight_(register_parameter("weight", uniform({out, in, 1, 1}, in))),
          bias_(register_parameter("bias", uniform({out}, in))) {}
    Tensor forward(const Tensor& x) { return at::linear(x, weight_.flatten(1), bias_); }

   private:
    Tensor weight_, bias_;
  };

 public:
  GlobalPerceptron(std::int64_t channels, std::int64_t inner)
      : fc1_(register_module("fc1", std::make_shared<Pointwise>(channels, inner))),
        fc2_(register_module("fc2", std::make_shared<Pointwise>(inner, channels))) {}

  // A factor for each channel: [B, C, H, W] → [B, C, 1, 1]
  Tensor forward(const Tensor& x) {
    const Tensor factors = at::sigmoid(fc2_->forward(at::relu(fc1_->forward(x.mean({2, 3})))));
    return factors.unsqueeze(-1).unsqueeze(-1);
  }

 private:
  std::shared_ptr<Pointwise> fc1_, fc2_;
};

RepMlpBlock::RepMlpBlock(RepMlpShape shape)
    : shape_(std::move(shape)),
      gp_(register_module(
          "gp", std::make_shared<GlobalPerceptron>(shape_.channels, shape_.channels / shape_.reduction))) {
  const std::int64_t sets = shape_.share_sets;
  const auto fc3 = register_module("fc3", std::make_shared<torch::nn::Module>());
  fc3_weight_ = fc3->register_parameter("weight", uniform({sets * pixels(), pixels(), 1, 1}, pixels()));
  if (shape_.merged) {
    fc3_bias_ = fc3->register_parameter("bias", uniform({sets * pixels()}, pixels()));
    return;
  }
  fc3_bn_ = register_module("fc3_bn", std::make_shared<NormLayer>(NormKind::batch, sets));
  for (const std::int64_t kernel : shape_.kernels)
    convolutions_.push_back(
        register_module("repconv" + std::to_string(kernel),
                        std::make_shared<NormedConvolution>(
                            uniform({sets, 1, kernel, kernel}, kernel * kernel), 1, kernel / 2, sets)));
}

// partitions [N, share sets, side, side] → the same shape
Tensor RepMlpBlock::mix(const Tensor& partitions) const {
  const std::int64_t sets = shape_.share_sets;
  const Tensor vectors = partitions.flatten(2).transpose(0, 1),  // [share sets, N, pixels]
      weights = fc3_weight_.view({sets, pixels(), pixels()}).transpose(1, 2);
  const Tensor mixed = fc3_bias_.defined()
                           ? at::baddbmm(fc3_bias_.view({sets, 1, pixels()}), vectors, weights)
                           : at::bmm(vectors, weights);
  return mixed.transpose(0, 1).contiguous().view(partitions.sizes());
}

Tensor RepMlpBlock::forward(const Tensor& x) {
  const std::int64_t side = shape_.partition, rows = x.size(2) / side, columns = x.size(3) / side;
  const Tensor grid = x.reshape({-1, shape_.channels, rows, side, columns, side}).permute({0, 2, 4, 1, 3, 5});
  const Tensor partitions = grid.reshape({-1, shape_.share_sets, side, side});
  Tensor mixed = mix(partitions);
  if (fc3_bn_) mixed = fc3_bn_->forward(mixed);
  for (const auto& each : convolutions_) mixed = mixed + each->forward(partitions);
  const Tensor map = mixed.view({-1, rows, columns, shape_.channels, side, side})
                         .permute({0, 3, 1, 4, 2, 5})
                         .reshape(x.sizes());
  return map * gp_->forward(x);
}

// What a convolution makes of images of one pixel each is the columns of its matrices [share sets, pixels,
// pixels].
Tensor RepMlpBlock::as_matrices(const Convolution& convolution) const {
  const std::int64_t side = shape_.partition, sets = shape_.share_sets;
  const Tensor kernel = convolution.weight().detach().to(torch::kFloat64);
  const Tensor units = torch::eye(pixels(), kernel.options()).view({pixels(), 1, side, side});
  const Tensor images =
      at::conv2d(units.expand({-1, sets, -1, -1}), kernel, {}, 1, kernel.size(2) / 2, 1, sets);
  return images.flatten(2).permute({1, 2, 0});
}

void RepMlpBlock::merge_into(const RepMlpBlock& merged) const {
  const std::int64_t sets = shape_.share_sets;
  const torch::NoGradGuard no_grad;
  const auto [scale, shift] = fc3_bn_->in_evaluation();
  Tensor weight = fc3_weight_.view({sets, pixels(), pixels()}) * scale.view({-1, 1, 1}), bias = shift;
  for (const auto& each : convolutions_) {
    const auto [its_scale, its_shift] = each->bn().in_evaluation();
    weight = weight + as_matrices(each->conv()) * its_scale.view({-1, 1, 1});
    bias = bias + its_shift;
  }
  copy_common(*gp_, *merged.gp_);
  Tensor(merged.fc3_weight_).copy_(weight.view(fc3_weight_.sizes()));
  Tensor(merged.fc3_bias_).copy_(bias.repeat_interleave(pixels()));
}

}  // namespace smlp
