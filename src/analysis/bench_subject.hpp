#pragma once
#include <torch/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "smlp/analysis/benchmarks.hpp"
#include "smlp/batches/batch.hpp"
#include "smlp/device/device.hpp"
#include "smlp/nn/model.hpp"

namespace smlp {

// A device and a model as a run would have them, on random images.
struct Subject {
  Device device;
  std::shared_ptr<Model> model;
  std::vector<CostRow> costs;
  Batch batch;
};
Subject make_subject(const RunConfig& config, const BenchOptions& options);

// Waits for the device that computes it; an undefined one: for nothing.
void wait_for(const torch::Tensor& tensor);

MachineRates measure_rates(const Device& device);

// Parameters and state are read and written, gradients read, and read once more for their norm.
double optimizer_bytes(const RunConfig& config, double parameters);

BenchRow make_row(std::string kind, const RunConfig& config, const BenchOptions& options,
                  const Device& device, const Timing& timing);

// With what the model is, and the time its `macs` an image and `bytes` a batch take at the machine's rates.
BenchRow model_row(std::string kind, const RunConfig& config, const BenchOptions& options,
                   const Subject& subject, const Timing& timing, double macs, double bytes);

}  // namespace smlp
