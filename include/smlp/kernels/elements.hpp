#pragma once
// Loads and stores of float and bfloat16 (as its bits, unsigned short) for the kernels. Device code only, as
// every function is that NVRTC compiles.

namespace smlp {

struct __align__(16) FloatQuad {
  float at[4];
};
struct __align__(8) ShortQuad {
  unsigned short at[4];
};
struct __align__(16) Words {
  unsigned at[4];
};

inline float to_float(float x) {
  return x;
}
inline float to_float(unsigned short bits) {
  return __uint_as_float(static_cast<unsigned>(bits) << 16);
}

// Both round to the nearest, ties to even.
inline unsigned short to_bf16(float x) {
  unsigned bits = __float_as_uint(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fff;  // NaN
  bits += 0x7fffu + ((bits >> 16) & 1u);
  return static_cast<unsigned short>(bits >> 16);
}
// Two of them; the first in the lower half.
inline unsigned to_bf16_pair(float first, float second) {
#if __CUDA_ARCH__ >= 800
  unsigned pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
#else
  return to_bf16(first) | static_cast<unsigned>(to_bf16(second)) << 16;
#endif
}

inline void store(float* to, float x) {
  *to = x;
}
inline void store(unsigned short* to, float x) {
  *to = to_bf16(x);
}

// Four or eight neighbours at once; the addresses are multiples of 16 bytes.
inline void load4(const float* from, float out[4]) {
  const FloatQuad x = *reinterpret_cast<const FloatQuad*>(from);
  for (int i = 0; i < 4; ++i) out[i] = x.at[i];
}
inline void load4(const unsigned short* from, float out[4]) {
  const ShortQuad bits = *reinterpret_cast<const ShortQuad*>(from);
  for (int i = 0; i < 4; ++i) out[i] = to_float(bits.at[i]);
}
inline void store4(float* to, const float x[4]) {
  FloatQuad all;
  for (int i = 0; i < 4; ++i) all.at[i] = x[i];
  *reinterpret_cast<FloatQuad*>(to) = all;
}
inline void store4(unsigned short* to, const float x[4]) {
  ShortQuad all;
  for (int i = 0; i < 4; ++i) all.at[i] = to_bf16(x[i]);
  *reinterpret_cast<ShortQuad*>(to) = all;
}
inline void load8(const float* from, float out[8]) {
  load4(from, out);
  load4(from + 4, out + 4);
}
inline void load8(const unsigned short* from, float out[8]) {
  const Words pairs = *reinterpret_cast<const Words*>(from);
  for (int i = 0; i < 4; ++i) {
    out[2 * i] = __uint_as_float(pairs.at[i] << 16);
    out[2 * i + 1] = __uint_as_float(pairs.at[i] & 0xffff0000u);
  }
}
inline void store8(float* to, const float x[8]) {
  store4(to, x);
  store4(to + 4, x + 4);
}
inline void store8(unsigned short* to, const float x[8]) {
  Words pairs;
  for (int i = 0; i < 4; ++i) pairs.at[i] = to_bf16_pair(x[2 * i], x[2 * i + 1]);
  *reinterpret_cast<Words*>(to) = pairs;
}

}  // namespace smlp
