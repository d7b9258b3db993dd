// LION over many tensors: parameters, averages and gradients are read once, parameters, averages and the
// parameters' bfloat16 copies written once.
#include "smlp/kernels/elements.hpp"
#include "smlp/kernels/lion.hpp"

namespace smlp {
namespace {

template <class Gradient>
void update_block(float* value, float* average, const Gradient* gradient, unsigned short* copy,
                  long long count, const LionScalars& s) {
  const bool aligned =
      (reinterpret_cast<unsigned long long>(value) | reinterpret_cast<unsigned long long>(average) |
       reinterpret_cast<unsigned long long>(gradient) | reinterpret_cast<unsigned long long>(copy)) %
          16 ==
      0;
  const long long whole = aligned ? count / 4 * 4 : 0;
  for (long long i = 4 * threadIdx.x; i < whole; i += 4 * blockDim.x) {
    float p[4], m[4], g[4];
    load4(value + i, p);
    load4(average + i, m);
    load4(gradient + i, g);
    for (int k = 0; k < 4; ++k) lion_update(p[k], m[k], g[k], s);
    store4(value + i, p);
    store4(average + i, m);
    if (copy != nullptr) store4(copy + i, p);
  }
  for (long long i = whole + threadIdx.x; i < count; i += blockDim.x) {
    lion_update(value[i], average[i], to_float(gradient[i]), s);
    if (copy != nullptr) copy[i] = to_bf16(value[i]);
  }
}

}  // namespace
}  // namespace smlp

extern "C" __global__ void __launch_bounds__(256)
    lion(const smlp::LionTensors tensors, double beta1, double beta2, int bf16_gradients,
         const float* lr_factor, const float* clip_factor, const float* bad) {
  using namespace smlp;
  if (*bad != 0) return;
  int t = tensors.count - 1;
  while (tensors.first_block[t] > static_cast<int>(blockIdx.x)) --t;
  const long long first = static_cast<long long>(blockIdx.x - tensors.first_block[t]) * lion_block_elements;
  const long long left = tensors.size[t] - first,
                  count = left < lion_block_elements ? left : lion_block_elements;
  const LionScalars s =
      lion_scalars(tensors.lr[t], tensors.weight_decay[t], beta1, beta2, *lr_factor, *clip_factor);
  float* const value = tensors.value[t] + first;
  float* const average = tensors.average[t] + first;
  unsigned short* const copy = tensors.copy[t] == nullptr ? nullptr : tensors.copy[t] + first;
  if (bf16_gradients)
    update_block(value, average, static_cast<const unsigned short*>(tensors.gradient[t]) + first, copy, count,
                 s);
  else
    update_block(value, average, static_cast<const float*>(tensors.gradient[t]) + first, copy, count, s);
}
