#include "lists.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"

namespace smlp {

std::vector<torch::Tensor> values(const std::vector<Parameter>& parameters) {
  std::vector<torch::Tensor> tensors;
  for (const Parameter& parameter : parameters) {
    if (parameter.value.scalar_type() != torch::kFloat32)
      fail(ErrorKind::failed, "{}: optimisers update float32 parameters, this one is {}", parameter.name,
           torch::toString(parameter.value.scalar_type()));
    tensors.push_back(parameter.value);
  }
  return tensors;
}

std::vector<torch::Tensor> zeros_like(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> zeros;
  for (const torch::Tensor& tensor : tensors) zeros.push_back(torch::zeros_like(tensor.detach()));
  return zeros;
}

std::vector<torch::Tensor> gradients(const std::vector<Parameter>& parameters) {
  std::vector<torch::Tensor> found;
  for (const Parameter& parameter : parameters) {
    const torch::Tensor& gradient = parameter.value.grad();
    found.push_back(gradient.defined() ? gradient.to(torch::kFloat32).contiguous() : gradient);
  }
  return found;
}

std::vector<RateGroup> rate_groups(const std::vector<Parameter>& parameters) {
  std::vector<RateGroup> groups;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& parameter = parameters[i];
    auto group = std::find_if(groups.begin(), groups.end(), [&](const RateGroup& g) {
      return g.lr == parameter.lr && g.weight_decay == parameter.weight_decay;
    });
    if (group == groups.end())
      group = groups.insert(groups.end(), {parameter.lr, parameter.weight_decay, {}});
    group->members.push_back(i);
  }
  return groups;
}

}  // namespace smlp
