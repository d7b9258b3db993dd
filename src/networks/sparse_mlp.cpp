#include "smlp/models/sparse_mlp.hpp"

#include <map>

#include "b_mlp_network.hpp"
#include "networks.hpp"
#include "s_mlp_network.hpp"
#include "smlp/nn/init.hpp"
#include "smlp/nn/structured_linear.hpp"

namespace smlp {
namespace {

using LayerPointer = std::shared_ptr<StructuredLinear>;

// Base: a B-MLP or S-MLP of structured layers.
template <class Base>
class SparseMlp : public Base {
 public:
  template <class BaseConfig>
  SparseMlp(const SparseMlpConfig& config, const BaseConfig& base, int image_size, int classes)
      : Base(base, image_size, classes, [&](const std::string& name, std::int64_t in, std::int64_t out) {
          return std::make_shared<StructuredLinear>(config.structure_of(name), in, out);
        }) {
    for (const auto& item : this->named_modules("", /*include_self=*/false))
      if (auto* const layer = dynamic_cast<StructuredLinear*>(item.value().get())) {
        if (config.init == SparseMlpConfig::Init::structured)
          layer->structured_start_(config.starts_at_zero(item.key()));
        if (!config.factor_rates) continue;
        for (const auto& [factor, times] : layer->rates()) rates_[item.key() + "." + factor] = times;
      }
    if (config.init == SparseMlpConfig::Init::torch) return;
    for (const auto& item : this->named_parameters())
      if (item.key().starts_with(this->head_prefix())) fill_(item.value(), 0);
  }

  double rate(const std::string& parameter) const override {
    const auto found = rates_.find(parameter);
    return found == rates_.end() ? 1 : found->second;
  }

 private:
  std::map<std::string, double> rates_;  // of the factors
};

}  // namespace

std::shared_ptr<Model> build_sparse_mlp(const ModelConfig& config, int image_size, int classes) {
  const auto& sparse = dynamic_cast<const SparseMlpConfig&>(config);
  if (sparse.kind == SparseMlpConfig::Kind::b_mlp)
    return std::make_shared<SparseMlp<BMlp<LayerPointer>>>(sparse, sparse.b_mlp, image_size, classes);
  return std::make_shared<SparseMlp<SMlp<LayerPointer>>>(sparse, sparse.s_mlp, image_size, classes);
}

}  // namespace smlp
