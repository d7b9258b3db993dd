#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "smlp/models/registry.hpp"

namespace smlp {

class Model;  // nn/model.hpp

// Builds the network that a family's keys describe, for images of image_size × image_size, after
// check_model(). Weights are drawn from the tensor generator of the CPU: torch::manual_seed decides them.
std::shared_ptr<Model> build_model(const Chosen<ModelConfig>& config, int image_size, int classes);

// The same function of images, in evaluation, with fewer layers: batch norms and convolutions folded into the
// linear layers beside them. `config`, the model's keys, becomes the merged model's. Nothing to fold:
// Error(usage) with the reason.
std::shared_ptr<Model> merge_model(const Model& model, Chosen<ModelConfig>& config, int image_size,
                                   int classes);

// Names and shapes of its parameters, in their order.
std::vector<std::pair<std::string, std::vector<std::int64_t>>> parameter_shapes(const Model& model);

}  // namespace smlp
