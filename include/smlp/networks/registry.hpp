#pragma once
#include <memory>

#include "smlp/models/registry.hpp"
#include "smlp/nn/model.hpp"

namespace smlp {

// Builds the network that a family's keys describe, for images of image_size × image_size, after
// check_model(). Weights are drawn from the tensor generator of the CPU: torch::manual_seed decides them.
std::shared_ptr<Model> build_model(const Chosen<ModelConfig>& config, int image_size, int classes);

}  // namespace smlp
