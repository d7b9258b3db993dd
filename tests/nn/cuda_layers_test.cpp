// Layers with kernels of their own beside LibTorch's operations, in float64 where that is the reference.
#include <torch/torch.h>

#include "nn/residual_block.hpp"
#include "smlp/device/fused.hpp"
#include "support/cuda.hpp"

namespace smlp {
namespace {

using testing::relative_distance;
class CudaLayers : public testing::CudaTest {};

TEST_F(CudaLayers, TheResidualMlpsKernelsGiveTorchsGradients) {
  torch::manual_seed(1);
  for (const std::int64_t width : {256, 512, 768, 1024})
    for (const std::int64_t rows : {1, 7, 128, 1500, 3001})
      for (const auto& [type, tolerance] : {std::pair{torch::kFloat32, 2e-6}, {torch::kBFloat16, 2e-2}}) {
        testing::ResidualBlock block(width);
        const torch::Tensor z = torch::randn({rows, width}), upstream = torch::randn({rows, width});
        block.to(torch::kCUDA, type);
        const auto fused = block.results(z.to(torch::kCUDA, type), upstream.to(torch::kCUDA, type));
        block.to(torch::kCPU, torch::kFloat64);
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
