// Each row's loss, the logarithm of its sum of exponentials, and whether its largest logit is the main
// label's.
#include "smlp/kernels/cross_entropy.hpp"
#include "smlp/kernels/elements.hpp"

namespace smlp {
namespace {

constexpr float lowest = -3.402823466e38f;

// Of some of a row's logits.
struct Part {
  float largest = lowest, exponentials = 0, sum = 0;  // exponentials: sum of exp(x - largest)
  int index = 0x7fffffff;                             // where the largest is; the first of equals

  void add(float x, int i) {
    if (x > largest) {
      exponentials *= expf(largest - x);
      largest = x;
      index = i;
    }
    exponentials += expf(x - largest);
    sum += x;
  }
  void add(const Part& other) {
    const float both = other.largest > largest ? other.largest : largest;
    exponentials = exponentials * expf(largest - both) + other.exponentials * expf(other.largest - both);
    if (other.largest > largest || (other.largest == largest && other.index < index)) index = other.index;
    largest = both;
    sum += other.sum;
  }
};

template <class Element>
Part part_of(const Element* row, int classes) {
  Part part;
  const bool aligned = reinterpret_cast<unsigned long long>(row) % 16 == 0;
  const int whole = aligned ? classes / 8 * 8 : 0;
  for (int i = 8 * threadIdx.x; i < whole; i += 8 * cross_entropy_threads) {
    float x[8];
    load8(row + i, x);
    for (int k = 0; k < 8; ++k) part.add(x[k], i + k);
  }
  for (int i = whole + threadIdx.x; i < classes; i += cross_entropy_threads) part.add(to_float(row[i]), i);
  return part;
}

template <class Element>
void row_loss(const CrossEntropyArguments& a, float* losses, float* log_sums, float* right) {
  __shared__ Part parts[cross_entropy_threads];
  const long long row = blockIdx.x;
  const Element* const logits = static_cast<const Element*>(a.logits) + row * a.stride;
  parts[threadIdx.x] = part_of(logits, a.classes);
  for (int half = cross_entropy_threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) parts[threadIdx.x].add(parts[threadIdx.x + half]);
  }
  if (threadIdx.x != 0) return;
  const Part& all = parts[0];
  const float log_sum = all.largest + logf(all.exponentials);
  long long main = a.labels[row];
  float hit = to_float(logits[main]);
  if (a.partners != nullptr) {
    const float lambda = *a.lambda;
    hit = lambda * hit + (1 - lambda) * to_float(logits[a.partners[row]]);
    if (lambda < 0.5f) main = a.partners[row];
  }
  log_sums[row] = log_sum;
  float loss = (1 - a.smoothing) * (log_sum - hit);
  if (a.smoothing > 0) loss += a.smoothing * (log_sum - all.sum / a.classes);  // 0 times infinity is NaN
  losses[row] = loss;
  right[row] = all.index == main;
}

}  // namespace
}  // namespace smlp

extern "C" __global__ void __launch_bounds__(256)
    cross_entropy_forward(const smlp::CrossEntropyArguments arguments, float* losses, float* log_sums,
                          float* right) {
  if (arguments.is_bf16)
    smlp::row_loss<unsigned short>(arguments, losses, log_sums, right);
  else
    smlp::row_loss<float>(arguments, losses, log_sums, right);
}
