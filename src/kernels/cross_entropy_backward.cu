// The gradient of the mean loss with respect to the logits, in the logits' type and layout.
#include "smlp/kernels/cross_entropy.hpp"
#include "smlp/kernels/elements.hpp"

namespace smlp {
namespace {

// Of one row: scale · (softmax − smoothing / classes − (1 − smoothing) · targets).
struct RowGradient {
  long long label, partner;
  float lambda, log_sum, scale, even, hit;

  float operator()(float x, int i) const {
    float target = i == label ? lambda : 0;
    if (i == partner) target += 1 - lambda;
    return scale * (expf(x - log_sum) - even - hit * target);
  }
};

template <class Element>
void write_row(const CrossEntropyArguments& a, const RowGradient& gradient, Element* out) {
  const long long row = blockIdx.x;
  const Element* const logits = static_cast<const Element*>(a.logits) + row * a.stride;
  out += row * a.stride;
  const bool aligned =
      (reinterpret_cast<unsigned long long>(logits) | reinterpret_cast<unsigned long long>(out)) % 16 == 0;
  const int whole = aligned ? a.classes / 8 * 8 : 0;
  for (int i = 8 * threadIdx.x; i < whole; i += 8 * cross_entropy_threads) {
    float x[8];
    load8(logits + i, x);
    for (int k = 0; k < 8; ++k) x[k] = gradient(x[k], i + k);
    store8(out + i, x);
  }
  for (int i = whole + threadIdx.x; i < a.classes; i += cross_entropy_threads)
    store(out + i, gradient(to_float(logits[i]), i));
}

}  // namespace
}  // namespace smlp

// upstream: the gradient of what the mean loss goes into.
extern "C" __global__ void __launch_bounds__(256)
    cross_entropy_backward(const smlp::CrossEntropyArguments arguments, const float* log_sums,
                           const float* upstream, void* out) {
  const bool mixed = arguments.partners != nullptr;
  const smlp::RowGradient gradient{arguments.labels[blockIdx.x],
                                   mixed ? arguments.partners[blockIdx.x] : -1,
                                   mixed ? *arguments.lambda : 1.0f,
                                   log_sums[blockIdx.x],
                                   *upstream / gridDim.x,
                                   arguments.smoothing / arguments.classes,
                                   1 - arguments.smoothing};
  if (arguments.is_bf16)
    smlp::write_row(arguments, gradient, static_cast<unsigned short*>(out));
  else
    smlp::write_row(arguments, gradient, static_cast<float*>(out));
}
