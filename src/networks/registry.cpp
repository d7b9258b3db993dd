#include "smlp/networks/registry.hpp"

#include "networks.hpp"
#include "smlp/core/error.hpp"
#include "smlp/nn/model.hpp"

namespace smlp {
namespace {

struct NetworkRow {
  const char* family;  // as in models/registry.cpp
  BuildNetwork* build;
};
constexpr NetworkRow network_table[] = {
    {"b_mlp", build_b_mlp},   {"s_mlp", build_s_mlp},       {"sparse_mlp", build_sparse_mlp},
    {"mixer", build_mixer},   {"rp_mixer", build_rp_mixer}, {"gmlp", build_gmlp},
    {"resmlp", build_resmlp}, {"vit", build_vit},           {"resnet", build_resnet},
};

}  // namespace

std::shared_ptr<Model> build_model(const Chosen<ModelConfig>& config, int image_size, int classes) {
  check_model(*config.config, image_size, classes);
  for (const NetworkRow& row : network_table)
    if (row.family == config.name) return row.build(*config.config, image_size, classes);
  fail(ErrorKind::failed, "the family {} has no network in networks/registry.cpp", config.name);
}

std::vector<std::pair<std::string, std::vector<std::int64_t>>> parameter_shapes(const Model& model) {
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> shapes;
  for (const auto& item : model.named_parameters())
    shapes.emplace_back(item.key(), item.value().sizes().vec());
  return shapes;
}

}  // namespace smlp
