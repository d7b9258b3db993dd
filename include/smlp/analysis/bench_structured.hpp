#pragma once
#include <optional>
#include <string>
#include <vector>

#include "smlp/analysis/benchmarks.hpp"

namespace smlp {

// Layers of so many to as many values, by batches of so many vectors.
struct StructuredSizes {
  std::vector<std::int64_t> widths{256, 512, 1024, 2048};
  std::vector<std::int64_t> batches{32, 128, 512};
};

// Forward and backward pass of a linear layer of every structure, dense first, at every size and batch: rows
// of kind "structured", the structure in `model`, the width in `classes`; an image is a vector. A masked
// layer is measured with both kernels. Widths that a structure cannot have: Error(usage).
std::vector<BenchRow> bench_structured(const DeviceConfig& device, const StructuredSizes& sizes,
                                       const BenchOptions& options);

// How often a row's dense one takes its time; `rows` has the dense one too.
double times_as_fast_as_dense(const BenchRow& row, const std::vector<BenchRow>& rows);

// From which width on a structure is faster than dense at a batch, whatever larger one was measured;
// nullopt: not at the largest.
struct Crossover {
  std::string structure;
  std::int64_t batch_size = 0;
  std::optional<std::int64_t> width;
};
std::vector<Crossover> crossovers(const std::vector<BenchRow>& rows);

// As bench_json(), with the crossovers beside the rows.
std::string structured_json(const std::vector<BenchRow>& rows);

}  // namespace smlp
