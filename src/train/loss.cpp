#include "smlp/train/loss.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include "smlp/device/cuda_kernel.hpp"
#include "smlp/device/fused.hpp"
#include "smlp/kernels/cross_entropy.hpp"

namespace smlp {

namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Autograd's own way through gather and mean would build and add several [B, C] arrays; the gradient needs
// one: (softmax − smoothing / C − (1 − smoothing) · targets) / B.
class CrossEntropy : public torch::autograd::Function<CrossEntropy> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& logits, const Targets& targets,
                        double smoothing) {
    const Tensor log_p = at::log_softmax(logits, 1, torch::kFloat32);
    const double batch = static_cast<double>(logits.size(0)), classes = static_cast<double>(logits.size(1));
    Tensor hit = log_p.gather(1, targets.labels.unsqueeze(1)).sum();
    if (targets.partners.defined())
      hit = at::lerp(log_p.gather(1, targets.partners.unsqueeze(1)).sum(), hit, targets.lambda);
    Tensor loss = hit.mul_(-(1 - smoothing) / batch);
    if (smoothing > 0) loss.sub_(log_p.sum(), smoothing / (classes * batch));

    context->save_for_backward({log_p, targets.labels, targets.partners, targets.lambda});
    context->saved_data["smoothing"] = smoothing;
    context->saved_data["type"] = logits.scalar_type();
    return loss;
  }

  static variable_list backward(AutogradContext* context, variable_list upstream) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &log_p = saved[0], &labels = saved[1], &partners = saved[2], &lambda = saved[3];
    const double smoothing = context->saved_data["smoothing"].toDouble();
    const std::int64_t batch = log_p.size(0), classes = log_p.size(1);

    Tensor gradient = at::exp(log_p);
    if (smoothing > 0) gradient.sub_(smoothing / static_cast<double>(classes));
    const auto subtract = [&](const Tensor& target, const Tensor& share) {
      gradient.scatter_add_(1, target.unsqueeze(1), share.expand({batch, 1}));
    };
    const Tensor whole = torch::full({}, -(1 - smoothing), log_p.options());
    subtract(labels, lambda.defined() ? whole * lambda : whole);
    if (partners.defined()) subtract(partners, whole * (1 - lambda));
    gradient.mul_(upstream[0] / batch);
    return {gradient.to(context->saved_data["type"].toScalarType()), Tensor(), Tensor()};
  }
};

// The label an image mostly shows.
Tensor main_labels(const Targets& targets) {
  if (!targets.partners.defined()) return targets.labels;
  return torch::where(targets.lambda >= 0.5, targets.labels, targets.partners);
}

const void* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr() : nullptr;
}

CrossEntropyArguments kernel_arguments(const Tensor& logits, const Targets& targets, double smoothing) {
  return {.logits = logits.const_data_ptr(),
          .labels = reinterpret_cast<const long long*>(targets.labels.const_data_ptr<std::int64_t>()),
          .partners = static_cast<const long long*>(data_or_null(targets.partners)),
          .lambda = static_cast<const float*>(data_or_null(targets.lambda)),
          .classes = static_cast<int>(logits.size(1)),
          .is_bf16 = logits.scalar_type() == torch::kBFloat16 ? 1 : 0,
          .stride = logits.stride(0),
          .smoothing = static_cast<float>(smoothing)};
}

// Two passes over the logits, one forward and one backward.
class CrossEntropyKernel : public torch::autograd::Function<CrossEntropyKernel> {
 public:
  static variable_list forward(AutogradContext* context, const Tensor& logits, const Targets& targets,
                               double smoothing) {
    static CudaKernel kernel("cross_entropy_forward");
    const auto rows = logits.size(0);
    const Tensor out = torch::empty({3, rows}, logits.options().dtype(torch::kFloat32));
    const Tensor losses = out[0], log_sums = out[1], hits = out[2];
    kernel.launch(logits.device(), static_cast<unsigned>(rows), cross_entropy_threads,
                  kernel_arguments(logits, targets, smoothing), losses.mutable_data_ptr<float>(),
                  log_sums.mutable_data_ptr<float>(), hits.mutable_data_ptr<float>());
    context->save_for_backward({logits, log_sums, targets.labels, targets.partners, targets.lambda});
    context->saved_data["smoothing"] = smoothing;
    const Tensor right = hits.sum().to(torch::kInt64);
    context->mark_non_differentiable({right});
    return {losses.mean(), right};
  }

  static variable_list backward(AutogradContext* context, variable_list upstream) {
    static CudaKernel kernel("cross_entropy_backward");
    const variable_list saved = context->get_saved_variables();
    const Tensor &logits = saved[0], &log_sums = saved[1];
    const Tensor gradient = at::empty_strided(logits.sizes(), logits.strides(), logits.options());
    const Tensor scale = upstream[0].to(torch::kFloat32);
    kernel.launch(
        logits.device(), static_cast<unsigned>(logits.size(0)), cross_entropy_threads,
        kernel_arguments(logits, {saved[2], saved[3], saved[4]}, context->saved_data["smoothing"].toDouble()),
        log_sums.const_data_ptr<float>(), scale.const_data_ptr<float>(), gradient.mutable_data_ptr());
    return {gradient, Tensor(), Tensor()};
  }
};

bool has_kernel(const Tensor& logits, const Targets& targets) {
  const auto type = logits.scalar_type();
  return fused_kernels() && logits.is_cuda() && logits.size(0) > 0 && logits.stride(1) == 1 &&
         (type == torch::kFloat32 || type == torch::kBFloat16) && targets.labels.is_contiguous() &&
         (!targets.partners.defined() || targets.partners.is_contiguous());
}

}  // namespace

Loss cross_entropy(const Tensor& logits, const Targets& targets, double label_smoothing) {
  if (has_kernel(logits, targets)) {
    const variable_list out = CrossEntropyKernel::apply(logits, targets, label_smoothing);
    return {out[0], out[1]};
  }
  const Tensor mean = CrossEntropy::apply(logits, targets, label_smoothing);
  return {mean, (logits.argmax(1) == main_labels(targets)).sum()};
}

}  // namespace smlp
