#include "smlp/nn/folding.hpp"

namespace smlp {
namespace {

using torch::Tensor;

void set(const torch::nn::Linear& layer, const Tensor& weight, const Tensor& bias) {
  const torch::NoGradGuard no_grad;
  Tensor(layer->weight).copy_(weight);
  Tensor(layer->bias).copy_(bias);
}

void copy_named(const torch::OrderedDict<std::string, Tensor>& from,
                const torch::OrderedDict<std::string, Tensor>& into) {
  const torch::NoGradGuard no_grad;
  for (const auto& item : into) {
    const Tensor* const found = from.find(item.key());
    if (found != nullptr && found->sizes() == item.value().sizes()) Tensor(item.value()).copy_(*found);
  }
}

}  // namespace

void fold_before(const NormLayer& norm, const torch::nn::Linear& layer, const torch::nn::Linear& into) {
  const auto [scale, shift] = norm.in_evaluation();
  const Tensor weight = layer->weight.detach().to(torch::kFloat64);
  set(into, weight * scale, layer->bias.detach() + weight.mv(shift));
}

void fold_after(const torch::nn::Linear& layer, const NormLayer& norm, const torch::nn::Linear& into) {
  const auto [scale, shift] = norm.in_evaluation();
  set(into, layer->weight.detach() * scale.unsqueeze(1), layer->bias.detach() * scale + shift);
}

void copy_common(const torch::nn::Module& from, const torch::nn::Module& into) {
  copy_named(from.named_parameters(), into.named_parameters());
  copy_named(from.named_buffers(), into.named_buffers());
}

}  // namespace smlp
