#include "smlp/train/averaged_weights.hpp"

#include <ATen/Functions.h>

#include <algorithm>

#include "smlp/nn/model.hpp"

namespace smlp {
namespace {

bool is_trained(const std::string& name, const std::vector<Parameter>& trained) {
  return std::any_of(trained.begin(), trained.end(),
                     [&](const Parameter& each) { return each.name == name; });
}

}  // namespace

AveragedWeights::AveragedWeights(const Model& model, const std::vector<Parameter>& trained, double decay)
    : decay_(decay), all_(named_tensors(model)) {
  const std::size_t parameters = model.parameters().size();  // the first of all_; buffers follow
  for (std::size_t i = 0; i < all_.size(); ++i) {
    auto& [name, tensor] = all_[i];
    const bool changes = i < parameters ? is_trained(name, trained) : tensor.is_floating_point();
    if (!changes) continue;
    changing_.push_back({tensor, tensor.detach().clone()});
    tensor = changing_.back().average;
  }
}

double AveragedWeights::share(std::int64_t step) const {
  const auto n = static_cast<double>(step);
  return 1 - std::min(decay_, (1 + n) / (10 + n));
}

void AveragedWeights::add(const torch::Tensor& share) {
  const torch::NoGradGuard no_grad;
  for (Average& each : changing_) each.average.lerp_(each.value.detach(), share);
}

CheckpointPart AveragedWeights::part() const {
  return {"ema", all_, CheckpointPart::Needed::to_resume};
}

LentValues AveragedWeights::in_place() const {
  LentValues values;
  for (const Average& each : changing_) values.lend(each.value, each.average);
  return values;
}

}  // namespace smlp
