#include "smlp/networks/registry.hpp"

#include "networks.hpp"
#include "smlp/core/error.hpp"
#include "smlp/nn/model.hpp"

namespace smlp {
namespace {

struct NetworkRow {
  const char* family;  // as in models/registry.cpp
  BuildNetwork* build;
  MergeNetwork* merge = nullptr;  // null: there is never anything to fold
};
constexpr NetworkRow network_table[] = {
    {"b_mlp", build_b_mlp, merge_b_mlp},
    {"s_mlp", build_s_mlp, merge_s_mlp},
    {"sparse_mlp", build_sparse_mlp},
    {"mixer", build_mixer},
    {"rp_mixer", build_rp_mixer},
    {"gmlp", build_gmlp},
    {"resmlp", build_resmlp},
    {"repmlp", build_repmlp, merge_repmlp},
    {"vit", build_vit},
    {"resnet", build_resnet},
};

const NetworkRow& row_of(const std::string& family) {
  for (const NetworkRow& row : network_table)
    if (row.family == family) return row;
  fail(ErrorKind::failed, "the family {} has no network in networks/registry.cpp", family);
}

}  // namespace

std::shared_ptr<Model> build_model(const Chosen<ModelConfig>& config, int image_size, int classes) {
  check_model(*config.config, image_size, classes);
  std::shared_ptr<Model> model = row_of(config.name).build(*config.config, image_size, classes);
  if (const double multiplier = config.config->width_multiplier(); multiplier != 1)
    start_as_mup(*model, multiplier);
  return model;
}

std::shared_ptr<Model> merge_model(const Model& model, Chosen<ModelConfig>& config, int image_size,
                                   int classes) {
  MergeNetwork* const merge = row_of(config.name).merge;
  if (merge == nullptr)
    fail(ErrorKind::usage,
         "{} has nothing to merge: no batch norm or convolution of it folds into a linear layer",
         config.name);
  return merge(model, *config.config, image_size, classes);
}

std::vector<std::pair<std::string, std::vector<std::int64_t>>> parameter_shapes(const Model& model) {
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> shapes;
  for (const auto& item : model.named_parameters())
    shapes.emplace_back(item.key(), item.value().sizes().vec());
  return shapes;
}

}  // namespace smlp
