// Layers with kernels of their own beside LibTorch's operations, in float64 where that is the reference.
#include <torch/torch.h>

#include "smlp/device/fused.hpp"
#include "smlp/nn/residual_mlp.hpp"
#include "support/cuda.hpp"

namespace smlp {
namespace {

using testing::relative_distance;
class CudaLayers : public testing::CudaTest {};

struct Block {
  std::shared_ptr<NormLayer> norm;
  std::shared_ptr<LinearStack> stack;

  explicit Block(std::int64_t width)
      : norm(std::make_shared<NormLayer>(NormKind::layer, width)),
        stack(std::make_shared<LinearStack>(
            std::vector{torch::nn::Linear(width, 4 * width), torch::nn::Linear(4 * width, width)},
            Activation::gelu, false)) {
    const torch::NoGradGuard no_grad;
    norm->parameters()[0].uniform_(0.5, 1.5);
    norm->parameters()[1].uniform_(-0.5, 0.5);
  }
  std::vector<torch::Tensor> parameters() const {
    std::vector<torch::Tensor> all = norm->parameters();
    for (const torch::Tensor& each : stack->parameters()) all.push_back(each);
    return all;
  }
  // The result and every gradient, for an upstream gradient that is no constant.
  std::vector<torch::Tensor> results(const torch::Tensor& input, const torch::Tensor& upstream) {
    const torch::Tensor z = input.detach().clone().requires_grad_();
    for (torch::Tensor each : parameters()) each.mutable_grad().reset();
    const torch::Tensor out = residual_mlp(z, *norm, *stack);
    out.backward(upstream);
    std::vector<torch::Tensor> all{out.detach(), z.grad()};
    for (const torch::Tensor& each : parameters()) all.push_back(each.grad());
    return all;
  }
};

TEST_F(CudaLayers, TheResidualMlpsKernelsGiveTorchsGradients) {
  torch::manual_seed(1);
  for (const std::int64_t width : {256, 512, 768, 1024})
    for (const std::int64_t rows : {1, 7, 128, 1500, 3001})
      for (const auto& [type, tolerance] : {std::pair{torch::kFloat32, 2e-6}, {torch::kBFloat16, 2e-2}}) {
        Block block(width);
        const torch::Tensor z = torch::randn({rows, width}), upstream = torch::randn({rows, width});
        for (const auto& each : {std::static_pointer_cast<torch::nn::Module>(block.norm),
                                 std::static_pointer_cast<torch::nn::Module>(block.stack)})
          each->to(torch::kCUDA, type);
        const auto fused = block.results(z.to(torch::kCUDA, type), upstream.to(torch::kCUDA, type));
        for (const auto& each : {std::static_pointer_cast<torch::nn::Module>(block.norm),
                                 std::static_pointer_cast<torch::nn::Module>(block.stack)})
          each->to(torch::kCPU, torch::kFloat64);
        const auto plain =
            block.results(z.to(type).to(torch::kFloat64), upstream.to(type).to(torch::kFloat64));
        for (std::size_t i = 0; i < plain.size(); ++i)
          EXPECT_LT(relative_distance(fused[i], plain[i]), tolerance)
              << "width " << width << ", rows " << rows << ", tensor " << i << ", " << torch::toString(type);
      }
}

TEST_F(CudaLayers, AnyNumberOfClassesGivesLinearsLogitsAndGradients) {
  torch::manual_seed(2);
  for (const std::int64_t classes : {3, 8, 10, 1000, 11230}) {
    torch::nn::Linear layer(256, classes);
    const torch::Tensor x = torch::randn({65, 256}), upstream = torch::randn({65, classes});
    const auto results = [&](const torch::Device& device, torch::ScalarType type) {
      layer->to(device, type);
      for (torch::Tensor each : layer->parameters()) each.mutable_grad().reset();
      const torch::Tensor input = x.to(torch::kBFloat16).to(device, type).requires_grad_();
      const torch::Tensor out = classify(layer, input);
      out.backward(upstream.to(torch::kBFloat16).to(device, type));
      return std::vector<torch::Tensor>{out.detach(), input.grad(), layer->weight.grad(), layer->bias.grad()};
    };
    const auto fused = results(torch::kCUDA, torch::kBFloat16), plain = results(torch::kCPU, torch::kFloat64);
    for (std::size_t i = 0; i < plain.size(); ++i)
      EXPECT_LT(relative_distance(fused[i], plain[i]), 1e-2) << classes << " " << i;
  }
}

}  // namespace
}  // namespace smlp
