#pragma once
// LION's arithmetic, for the loops of a CPU and for the kernel in src/kernels/lion.cu: the same bits from
// both.

namespace smlp {

// What a whole tensor has in common.
struct LionScalars {
  float lr;     // with the schedule's factor
  float decay;  // 1 − lr · weight decay
  float beta1, one_minus_beta1;
  float beta2, one_minus_beta2;
  float clip_factor;
};

inline LionScalars lion_scalars(double lr, double weight_decay, double beta1, double beta2, float lr_factor,
                                float clip_factor) {
  const double rate = lr * static_cast<double>(lr_factor);
  return {static_cast<float>(rate),
          static_cast<float>(1 - rate * weight_decay),
          static_cast<float>(beta1),
          static_cast<float>(1 - beta1),
          static_cast<float>(beta2),
          static_cast<float>(1 - beta2),
          clip_factor};
}

// Chen et al., "Symbolic Discovery of Optimization Algorithms" (2023), in the order of lion-pytorch's
// operations.
inline void lion_update(float& p, float& m, float g, const LionScalars& s) {
  g *= s.clip_factor;
  const float direction = s.beta1 * m + s.one_minus_beta1 * g;
  const float sign = static_cast<float>(direction > 0) - static_cast<float>(direction < 0);
  p = p * s.decay - s.lr * sign;
  m = s.beta2 * m + s.one_minus_beta2 * g;
}

// The kernel's argument: tensors it updates, each cut into blocks of lion_block_elements; block b belongs to
// the last tensor whose first_block is not above b.
inline constexpr int lion_tensors = 48, lion_block_elements = 4096;

struct LionTensors {
  float* value[lion_tensors];
  float* average[lion_tensors];
  const void* gradient[lion_tensors];  // float, or bfloat16
  unsigned short* copy[lion_tensors];  // bfloat16 of the new value; or null
  long long size[lion_tensors];
  double lr[lion_tensors], weight_decay[lion_tensors];
  int first_block[lion_tensors];
  int count;
};

}  // namespace smlp
