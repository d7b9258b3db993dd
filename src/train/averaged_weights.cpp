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
    auto& [name, live] = all_[i];
    const bool changes = i < parameters ? is_trained(name, trained) : live.is_floating_point();
    if (!changes) continue;
    const Average average{live, live.detach(), live.detach().clone()};
    changing_.push_back(average);
    live = average.average;
  }
}

double AveragedWeights::share(std::int64_t step) const {
  const auto n = static_cast<double>(step);
  return 1 - std::min(decay_, (1 + n) / (10 + n));
}

void AveragedWeights::add(const torch::Tensor& share) {
  const torch::NoGradGuard no_grad;
  for (Average& each : changing_) each.average.lerp_(each.value, share);
}

CheckpointPart AveragedWeights::part() const {
  return {"ema", all_, CheckpointPart::Needed::to_resume};
}

AveragedWeights::Scope::Scope(const AveragedWeights& averages) : averages_(averages) {
  for (const Average& each : averages_.changing_) torch::Tensor(each.live).set_data(each.average);
}

AveragedWeights::Scope::~Scope() {
  for (const Average& each : averages_.changing_) torch::Tensor(each.live).set_data(each.value);
}

}  // namespace smlp
