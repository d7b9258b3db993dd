#include "smlp/nn/model.hpp"

#include <cmath>

namespace smlp {

std::vector<Role> roles(const Model& model) {
  std::vector<Role> found;
  bool seen_input = false;
  for (const auto& item : model.named_parameters()) {
    const bool weight = item.key().ends_with("weight") && item.value().dim() >= 2;
    if (item.value().dim() < 2)
      found.push_back(Role::vector);
    else if (item.key().starts_with(model.head_prefix()))
      found.push_back(Role::head);
    else
      found.push_back(weight && !seen_input ? Role::input : Role::hidden);
    seen_input = seen_input || weight;
  }
  return found;
}

void start_as_mup(Model& model, double multiplier) {
  model.set_width_multiplier(multiplier);
  const torch::NoGradGuard no_grad;
  const std::vector<Role> role = roles(model);
  const auto named = model.named_parameters();
  for (std::size_t i = 0; i < named.size(); ++i) {
    if (role[i] == Role::head) torch::Tensor(named[i].value()).div_(std::sqrt(multiplier));
    const std::string& weight = named[i].key();
    const std::size_t ending = weight.rfind("weight");
    if ((role[i] != Role::head && role[i] != Role::hidden) || ending == std::string::npos) continue;
    if (const torch::Tensor* bias = named.find(weight.substr(0, ending) + "bias"))
      torch::Tensor(*bias).mul_(std::sqrt(multiplier));
  }
}

}  // namespace smlp
