#include "b_mlp_network.hpp"
#include "networks.hpp"

namespace smlp {

std::shared_ptr<Model> build_b_mlp(const ModelConfig& config, int image_size, int classes) {
  const auto dense = [](const std::string&, std::int64_t in, std::int64_t out) {
    return torch::nn::Linear(in, out);
  };
  return std::make_shared<BMlp<torch::nn::Linear>>(dynamic_cast<const BMlpConfig&>(config), image_size,
                                                   classes, dense);
}

}  // namespace smlp
