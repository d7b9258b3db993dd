#include "patch_network.hpp"

namespace smlp {

PatchNetwork::PatchNetwork(const PatchModelConfig& config, int classes, torch::nn::Sequential blocks,
                           torch::nn::AnyModule norm)
    : stem_(register_module("stem", std::make_shared<PatchEmbedding>(config.patch_size, config.width))),
      blocks_(register_module("blocks", std::move(blocks))),
      norm_(std::move(norm)),
      head_(nullptr) {
  register_module("norm", norm_.ptr());
  head_ = register_module("head", torch::nn::Linear(config.width, classes));
}

torch::Tensor PatchNetwork::features(const torch::Tensor& images) {
  return norm_.forward(blocks_->forward(stem_->forward(images))).mean(1);
}

}  // namespace smlp
