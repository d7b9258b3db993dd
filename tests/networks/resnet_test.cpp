#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"
#include "support/golden_tensors.hpp"

namespace smlp {
namespace {

using torch::Tensor;

// As in scripts/make_golden_resnet.py.
Tensor value(std::int64_t k, torch::IntArrayRef shape) {
  const Tensor places = torch::arange(c10::multiply_integers(shape), torch::kInt64);
  const Tensor bits = (places * 2654435761 + 97531 * (k + 1)).remainder(std::int64_t{1} << 32);
  return (bits.to(torch::kFloat64) / std::pow(2.0, 32) - 0.5).to(torch::kFloat32).view(shape);
}

void fill(Model& model) {
  const torch::NoGradGuard no_grad;
  std::int64_t k = 0;
  for (const auto& item : model.named_parameters()) {
    const Tensor& p = item.value();
    const Tensor drawn = value(k++, p.sizes());
    if (p.dim() > 1)
      p.copy_(drawn * std::sqrt(12.0 / static_cast<double>(p[0].numel())));
    else
      p.copy_(drawn + (item.key().ends_with("weight") ? 1 : 0));
  }
}

double relative(const Tensor& found, const Tensor& expected) {
  return ((found.to(torch::kFloat32) - expected).norm() / expected.norm()).item<double>();
}

TEST(ResNet, ForwardAndBackwardEqualTorchvisions) {
  const testing::GoldenTensors golden("resnet.safetensors");
  const std::map<std::string, std::string> variants = golden.configs();
  for (const auto& [name, yaml] : variants) {
    SCOPED_TRACE(name);
    const Tensor images = golden[name + "/images"].to(torch::kFloat64);
    const auto model = build_model(testing::read_chosen<ModelConfig>(model_table(), yaml),
                                   static_cast<int>(images.size(3)), 5);
    fill(*model);
    model->to(torch::kFloat64);
    const Tensor logits = model->forward(images);
    (logits * golden[name + "/weights"]).sum().backward();
    EXPECT_LT(relative(logits.detach(), golden[name + "/logits"]), 1e-5);
    std::vector<Tensor> norms;
    for (const Tensor& each : model->parameters()) norms.push_back(each.grad().norm());
    EXPECT_LT(relative(torch::stack(norms), golden[name + "/norms"]), 1e-4);
    EXPECT_LT(relative(model->parameters()[0].grad(), golden[name + "/conv1"]), 1e-4);
    model->eval();
    EXPECT_LT(relative(model->forward(images).detach(), golden[name + "/eval_logits"]), 1e-5);
  }
}

}  // namespace
}  // namespace smlp
