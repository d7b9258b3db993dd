#include "smlp/optim/lion.hpp"

#include <c10/util/BFloat16.h>

#include <algorithm>

#include "lists.hpp"
#include "smlp/core/error.hpp"
#include "smlp/device/fused.hpp"
#include "smlp/kernels/lion.hpp"

namespace smlp {

void LionConfig::fields(FieldVisitor& v) {
  common_fields(v);
  v.field("betas", betas, "decays of the direction and of the momentum", between(0, 1));
}

std::unique_ptr<Optimizer> LionConfig::build(std::vector<Parameter> parameters) const {
  const Lion::Path path = Lion::path_for(parameters);
  return std::make_unique<Lion>(std::move(parameters), betas, path);
}

Lion::Lion(std::vector<Parameter> parameters, std::array<double, 2> betas, Path path)
    : Optimizer(std::move(parameters)),
      betas_(betas),
      path_(path),
      values_(values(parameters_)),
      averages_(zeros_like(values_)),
      range_(values_) {
  const auto fits = [&](const torch::Tensor& value) {
    return value.is_contiguous() && (path == Path::one_pass ? value.is_cpu() : value.is_cuda());
  };
  if (path != Path::tensor_operations && !std::all_of(values_.begin(), values_.end(), fits))
    fail(ErrorKind::failed, "LION's single pass needs contiguous parameters on its own device");
}

Lion::Path Lion::path_for(const std::vector<Parameter>& parameters) {
  const auto all = [&](auto&& test) {
    return std::all_of(parameters.begin(), parameters.end(),
                       [&](const Parameter& p) { return p.value.is_contiguous() && test(p.value); });
  };
  if (all([](const torch::Tensor& value) { return value.is_cpu(); })) return Path::one_pass;
  if (fused_kernels() && all([](const torch::Tensor& value) { return value.is_cuda(); })) return Path::kernel;
  return Path::tensor_operations;
}

bool Lion::write_copies(std::vector<torch::Tensor> copies) {
  if (path_ == Path::tensor_operations) return false;
  copies_ = std::move(copies);
  return true;
}

// Its memory; null where there is none.
unsigned short* Lion::copy_of(std::size_t i) const {
  return i < copies_.size() && copies_[i].defined() ? static_cast<unsigned short*>(copies_[i].data_ptr())
                                                    : nullptr;
}

void Lion::step(const StepInputs& inputs) {
  torch::NoGradGuard no_grad;
  if (path_ == Path::kernel) return kernel(inputs);
  path_ == Path::one_pass ? one_pass(inputs) : tensor_operations(inputs, gradients(parameters_));
}

namespace {

struct LionArrays {
  float *value, *average;
  const void* gradient;  // of either type
  bool gradient_is_bf16;
  c10::BFloat16* copy;
  LionScalars scalars;
};

template <class Gradient>
void update_piece(float* __restrict p, float* __restrict m, const Gradient* __restrict g, std::int64_t n,
                  const LionScalars& scalars) {
  const LionScalars s = scalars;
  for (std::int64_t i = 0; i < n; ++i) lion_update(p[i], m[i], static_cast<float>(g[i]), s);
}

void update_piece(const LionArrays& a, std::int64_t first, std::int64_t n) {
  float *const p = a.value + first, *const m = a.average + first;
  if (a.gradient_is_bf16)
    update_piece(p, m, static_cast<const c10::BFloat16*>(a.gradient) + first, n, a.scalars);
  else
    update_piece(p, m, static_cast<const float*>(a.gradient) + first, n, a.scalars);
  if (a.copy != nullptr) std::transform(p, p + n, a.copy + first, [](float x) { return c10::BFloat16(x); });
}

}  // namespace

void Lion::one_pass(const StepInputs& inputs) {
  if (*inputs.bad.const_data_ptr<float>() != 0) return;
  std::vector<torch::Tensor> gradients;  // contiguous
  std::vector<LionArrays> arrays;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    torch::Tensor& gradient = gradients.emplace_back(parameters_[i].value.grad());
    if (gradient.defined()) gradient = gradient.contiguous();
    arrays.push_back({.value = values_[i].data_ptr<float>(),
                      .average = averages_[i].data_ptr<float>(),
                      .gradient = gradient.defined() ? gradient.const_data_ptr() : nullptr,
                      .gradient_is_bf16 = gradient.defined() && gradient.scalar_type() == torch::kBFloat16,
                      .copy = reinterpret_cast<c10::BFloat16*>(copy_of(i)),
                      .scalars = lion_scalars(parameters_[i].lr, parameters_[i].weight_decay, betas_[0],
                                              betas_[1], *inputs.lr_factor.const_data_ptr<float>(),
                                              *inputs.clip_factor.const_data_ptr<float>())});
  }
  range_.for_each_piece([&](const FlatRange::Piece& piece) {
    const LionArrays& a = arrays[piece.tensor];
    if (a.gradient != nullptr) update_piece(a, piece.first, piece.count);
  });
}

// As many launches as lists of lion_tensors tensors; gradients of one type in each.
void Lion::kernel(const StepInputs& inputs) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    LionTensors list{};
    int blocks = 0;
    const auto launch = [&] {
      kernel_.launch(inputs.bad.device(), static_cast<unsigned>(blocks), 256, list, betas_[0], betas_[1],
                     static_cast<int>(type == torch::kBFloat16), inputs.lr_factor.const_data_ptr<float>(),
                     inputs.clip_factor.const_data_ptr<float>(), inputs.bad.const_data_ptr<float>());
      list.count = blocks = 0;
    };
    for (std::size_t i = 0; i < values_.size(); ++i) {
      torch::Tensor& gradient = torch::Tensor(parameters_[i].value).mutable_grad();
      if (!gradient.defined() || gradient.scalar_type() != type) continue;
      gradient = gradient.contiguous();
      const int k = list.count++;
      list.value[k] = values_[i].data_ptr<float>();
      list.average[k] = averages_[i].data_ptr<float>();
      list.gradient[k] = gradient.const_data_ptr();
      list.copy[k] = copy_of(i);
      list.size[k] = values_[i].numel();
      list.lr[k] = parameters_[i].lr;
      list.weight_decay[k] = parameters_[i].weight_decay;
      list.first_block[k] = blocks;
      blocks += static_cast<int>((list.size[k] + lion_block_elements - 1) / lion_block_elements);
      if (list.count == lion_tensors) launch();
    }
    launch();
  }
}

void Lion::tensor_operations(const StepInputs& inputs, const std::vector<torch::Tensor>& gradients) {
  TensorLists lists(3);
  std::vector<at::Scalar> rates, decays;
  bool decaying = false;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (!gradients[i].defined()) continue;
    lists.add({values_[i], averages_[i], gradients[i]});
    rates.emplace_back(parameters_[i].lr);
    decays.emplace_back(parameters_[i].weight_decay);
    decaying = decaying || parameters_[i].weight_decay != 0;
  }
  if (rates.empty()) return;
  const std::vector<torch::Tensor>&values = lists[0], &averages = lists[1], &clipped = lists[2];
  // In a bad step every tensor gets what changes no bit of it, −0 or +0: nothing is copied.
  const torch::Tensor bad = inputs.bad.ne(0);
  at::_foreach_mul_(clipped, inputs.clip_factor);
  for (const torch::Tensor& each : clipped) each.masked_fill_(bad, -0.0);

  std::vector<torch::Tensor> steps = at::_foreach_mul(averages, betas_[0]);
  at::_foreach_add_(steps, clipped, 1 - betas_[0]);
  at::_foreach_sign_(steps);
  if (decaying) at::_foreach_add_(steps, at::_foreach_mul(values, decays));
  at::_foreach_mul_(steps, rates);
  at::_foreach_mul_(steps, inputs.lr_factor);
  for (const torch::Tensor& each : steps) each.masked_fill_(bad, 0);
  at::_foreach_sub_(values, steps);

  at::_foreach_mul_(averages, torch::full_like(inputs.bad, betas_[1]).masked_fill_(bad, 1));
  at::_foreach_add_(averages, clipped, 1 - betas_[1]);
}

OptimizerState Lion::state() const {
  OptimizerState state;
  for (std::size_t i = 0; i < parameters_.size(); ++i) state[parameters_[i].name]["exp_avg"] = averages_[i];
  return state;
}

}  // namespace smlp
