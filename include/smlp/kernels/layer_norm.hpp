#pragma once
// The argument of src/kernels/layer_norm_backward.cu.

namespace smlp {

inline constexpr int layer_norm_largest_width = 1024;  // and a multiple of 256

// Arrays of one type, float or bfloat16, unless said otherwise.
struct LayerNormBackward {
  const void *gradient, *input, *weight;  // [rows, width], [rows, width], [width]
  const void* residual;                   // [rows, width], added to the result, and summed over the rows
  void* out;                              // [rows, width]
  const float *mean, *rstd;               // [rows]
  float* sums;  // [3, parts, width]: of the gradients of weight and bias, and of residual
  long long rows, part_rows;
  int width, is_bf16;
};

}  // namespace smlp
