#pragma once
// The arguments of the kernels in src/kernels/cross_entropy_*.cu: cross entropy with label smoothing and two
// targets (train/loss.hpp) over logits [rows, classes] whose rows lie `stride` elements apart; one block a
// row.

namespace smlp {

inline constexpr int cross_entropy_threads = 256;

struct CrossEntropyArguments {
  const void* logits;  // float, or bfloat16
  const long long* labels;
  const long long* partners;  // null without MixUp
  const float* lambda;        // null without MixUp
  int classes, is_bf16;
  long long stride;
  float smoothing;
};

}  // namespace smlp
