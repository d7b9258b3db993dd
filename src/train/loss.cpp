#include "smlp/train/loss.hpp"

#include <torch/csrc/autograd/custom_function.h>

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

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Targets& targets, double label_smoothing) {
  return CrossEntropy::apply(logits, targets, label_smoothing);
}

}  // namespace smlp
