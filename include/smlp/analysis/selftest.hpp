#pragma once
#include <functional>
#include <string>
#include <vector>

#include "smlp/analysis/benchmarks.hpp"
#include "smlp/device/device.hpp"

namespace smlp {

// One comparison of what the device did with what it should have done.
struct SelftestCheck {
  std::string name;       // "mixer: gradient"
  std::string precision;  // "bf16"
  double difference = 0;  // relative, of norms; where bits must be equal: how many tensors differ
  double bound = 0;       // the largest that passes
  std::string problem{};  // what was thrown instead; empty: nothing
  double seconds = 0;

  bool passed() const { return problem.empty() && difference <= bound; }  // NaN does not
};

struct SelftestReport {
  std::string device;  // "CUDA, NVIDIA H100 80GB HBM3"
  std::vector<SelftestCheck> checks;
  std::vector<BenchRow> rates;  // without verdict

  bool passed() const;
};

struct SelftestOptions {
  DeviceType type = DeviceType::automatic;
  std::string only;   // checks whose name contains it
  bool rates = true;  // measure them too
  std::function<Device(const DeviceConfig&)> open = open_device;
  std::function<void(const SelftestCheck&)> tell = [](const SelftestCheck&) {};  // as each is done
};

// Whether this device, with this driver and this LibTorch, trains as it should: passes and gradients of every
// family, and two hundred steps of training, in each precision against LibTorch's own operations on the CPU
// in float32; the same run twice, captured and not, stopped and resumed, bit for bit; the batches it renders;
// a step that is not finite; memory that is not there. What a check throws is its result. Interrupted when a
// stop signal came.
SelftestReport run_selftest(const SelftestOptions& options);

// For a report: the system, each check, the rates.
std::string selftest_json(const SelftestReport& report);

}  // namespace smlp
