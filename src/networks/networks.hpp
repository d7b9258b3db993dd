#pragma once
// The builders of each family's network, one a file; registry.cpp lists them. `config` is of the family's own
// type and checked.
#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"

namespace smlp {

using BuildNetwork = std::shared_ptr<Model>(const ModelConfig& config, int image_size, int classes);
BuildNetwork build_b_mlp, build_s_mlp, build_sparse_mlp, build_mixer, build_rp_mixer, build_gmlp,
    build_resmlp, build_vit, build_resnet, build_repmlp;

// What merge_model() says, of one family's model: sets the merged model's keys. Nothing to fold: Error(usage)
// with the reason.
using MergeNetwork = std::shared_ptr<Model>(const Model& model, ModelConfig& config, int image_size,
                                            int classes);
MergeNetwork merge_b_mlp, merge_s_mlp, merge_repmlp;

}  // namespace smlp
