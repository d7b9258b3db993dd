#pragma once
#include "smlp/analysis/benchmarks.hpp"

namespace smlp {

// The matrix products of one linear layer, or of several of the same size, in a training step: x·Wᵀ + b, the
// weight's gradient and, but for the model's first layer, the input's. A convolution counts as the product of
// its patches, attention's own products as its qkv layer's; layers without a matrix, such as most of
// sparse_mlp's, are left out.
struct Products {
  std::int64_t layers = 0;   // how many of these there are
  std::int64_t vectors = 0;  // rows of x: the batch, times the tokens or pixels that share the weight
  std::int64_t in = 0, out = 0;
  double forward_seconds = 0, weight_seconds = 0, input_seconds = 0;  // of one layer

  double seconds() const {
    return static_cast<double>(layers) * (forward_seconds + weight_seconds + input_seconds);
  }
  double flops() const;  // of them all
};

// A training step beside what it cannot go below: its products alone, in their sizes and precision, and the
// optimiser's bytes at the rate of a large copy.
struct Roofline {
  std::vector<Products> products;
  double macs_part = 0;  // of the model's multiply-adds, what `products` hold
  double bytes = 0;      // that norm, clipping and update read and write
  BenchRow step;         // of_limit: the limit's time over the step's

  double product_seconds() const;
  double byte_seconds() const { return bytes / step.machine.copy_bytes; }
};

// All measured one after the other in this process.
Roofline measure_roofline(const RunConfig& config, const BenchOptions& options);

std::string roofline_json(const Roofline& roofline);

}  // namespace smlp
