#include "smlp/nn/layers.hpp"

#include "smlp/core/error.hpp"
#include "smlp/device/fused.hpp"
#include "smlp/nn/stoppable.hpp"

namespace smlp {

namespace {

constexpr double batch_norm_momentum = 0.1;
constexpr std::int64_t row_alignment = 8;  // elements of bfloat16 in 16 bytes

}  // namespace

torch::Tensor classify(torch::nn::Linear& layer, const torch::Tensor& features) {
  const torch::Tensor& weight = layer->weight;
  const std::int64_t classes = weight.size(0),
                     missing = (row_alignment - classes % row_alignment) % row_alignment;
  const bool slow = missing != 0 && features.is_cuda() && features.scalar_type() == torch::kBFloat16 &&
                    weight.scalar_type() == torch::kBFloat16;
  if (!slow || !fused_kernels()) return layer->forward(features);
  const torch::Tensor rows = at::constant_pad_nd(weight, {0, 0, 0, missing}),
                      biases = at::constant_pad_nd(layer->bias, {0, missing});
  return at::linear(features, rows, biases).narrow(1, 0, classes);
}

torch::Tensor activate(const torch::Tensor& x, Activation kind) {
  return kind == Activation::gelu ? at::gelu(x) : at::relu(x);
}

torch::Tensor drop(const torch::Tensor& x, double p, bool training) {
  return training && p > 0 ? at::dropout(x, p, true) : x;
}

NormLayer::NormLayer(NormKind kind, std::int64_t width, double eps) : kind_(kind), width_(width), eps_(eps) {
  stop_when_told();
  if (kind == NormKind::none) return;
  weight_ = register_parameter("weight", torch::ones({width}));
  bias_ = register_parameter("bias", torch::zeros({width}));
  if (kind == NormKind::layer) return;
  running_mean_ = register_buffer("running_mean", torch::zeros({width}));
  running_var_ = register_buffer("running_var", torch::ones({width}));
  batches_ = register_buffer("num_batches_tracked", torch::zeros({}, torch::kInt64));
}

torch::Tensor NormLayer::forward(const torch::Tensor& x) {
  if (kind_ == NormKind::none) return x;
  if (kind_ == NormKind::layer) return stoppable(at::layer_norm(x, {width_}, weight_, bias_, eps_));
  if (is_training()) {
    if (x.numel() < 2 * width_)
      fail(ErrorKind::usage,
           "model.norm: batch needs at least 2 images a batch while training, got {}; raise train.batch_size "
           "or "
           "train.micro_batch",
           x.size(0));
    batches_.add_(1);
  }
  return stoppable(at::batch_norm(x, weight_, bias_, running_mean_, running_var_, is_training(),
                                  batch_norm_momentum, eps_, /*cudnn_enabled=*/true));
}

NormLayer::ScaleShift NormLayer::in_evaluation() const {
  const torch::Tensor variance = running_var_.to(torch::kFloat64),
                      scale = weight_.detach().to(torch::kFloat64) * (variance + eps_).rsqrt();
  return {scale, bias_.detach() - running_mean_ * scale};
}

}  // namespace smlp
