#pragma once
#include <bit>
#include <cstdint>

namespace smlp {

// e^x for x <= 0, to 3e-7 of it; 0 below -87. NaN stays NaN.
[[gnu::always_inline]] inline float exp_of_negative(float x) {
  constexpr float log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f,
                  rounding = 12582912.0f;  // 1.5 · 2^23: adding it leaves the nearest integer in the low bits
  const float shifted = x * log2_e + rounding, n = shifted - rounding;
  const float r = (x - n * ln2_high) - n * ln2_low;
  float series = 1.0f / 720;
  series = series * r + 1.0f / 120;
  series = series * r + 1.0f / 24;
  series = series * r + 1.0f / 6;
  series = series * r + 0.5f;
  series = series * r * r + r + 1;
  const float power = std::bit_cast<float>((std::bit_cast<std::uint32_t>(shifted) + 127) << 23),
              result = series * power;
  return x < -87 ? 0 : result;
}

struct Gelu {
  float value, slope;
};

// x·Φ(x), Φ the normal distribution, and its derivative, to 3e-7 of max(1, |x|): one exponential serves Φ
// (Abramowitz and Stegun, 7.1.26, as in LibTorch's own vectors) and its density.
[[gnu::always_inline]] inline Gelu gelu(float x) {
  constexpr float root_half = 0.70710678f, density_at_0 = 0.39894228f;
  const float t = 1 / (1 + 0.3275911f * root_half * __builtin_fabsf(x)),
              bell = exp_of_negative(-0.5f * x * x);
  const float series =
      t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  const float distribution = 0.5f + __builtin_copysignf(0.5f - 0.5f * series * bell, x);
  return {.value = x * distribution, .slope = distribution + x * density_at_0 * bell};
}

}  // namespace smlp
