#pragma once
// LION's arithmetic for one element, for host and device loops.

#ifdef __CUDACC__
#define SMLP_HOST_DEVICE __host__ __device__
#else
#define SMLP_HOST_DEVICE
#endif

namespace smlp {

struct LionScalars {
  float lr;     // with the schedule's factor
  float decay;  // 1 − lr · weight decay
  float beta1, one_minus_beta1;
  float beta2, one_minus_beta2;
  float clip_factor;
};

// Chen et al., "Symbolic Discovery of Optimization Algorithms" (2023), in the order of lion-pytorch's
// operations.
SMLP_HOST_DEVICE inline void lion_update(float& p, float& m, float g, const LionScalars& s) {
  g *= s.clip_factor;
  const float direction = s.beta1 * m + s.one_minus_beta1 * g;
  const float sign = static_cast<float>(direction > 0) - static_cast<float>(direction < 0);
  p = p * s.decay - s.lr * sign;
  m = s.beta2 * m + s.one_minus_beta2 * g;
}

}  // namespace smlp
