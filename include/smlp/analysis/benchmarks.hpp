#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "smlp/train/run_config.hpp"

namespace smlp {

// Rates of this machine, taken in the same run as what is compared with them: the best of several tries.
struct MachineRates {
  double matrix_flops = 0;  // floating-point operations a second of a product of 2048 × 2048 matrices, on a
                            // CUDA device of 8192 × 8192
  double copy_bytes = 0;    // bytes read and written a second by a copy of 256 MiB, on a CUDA device of 1 GiB
};

// A measurement: the median over repeats, and how far the middle half of them lies apart.
struct Timing {
  double seconds = 0;  // of one call
  double spread = 0;   // interquartile range over the median
};

struct BenchOptions {
  std::int64_t classes = 1000;
  int repeats = 9;
  double repeat_seconds = 0.3;  // each repeat takes at least that long
};

// One benchmark's result, as `--json` prints it and compare_benchmarks() reads it.
struct BenchRow {
  std::string kind{};   // "step", "optimizer", "loader", "epoch", "forward", "tta" or "pack"
  std::string model{};  // the family, and its sizes
  std::string precision{}, processor{}, revision{};
  int threads = 0;
  std::int64_t batch_size = 0, classes = 0, image_size = 0;
  std::int64_t parameters = 0, macs = 0;  // of the model; an image's forward pass
  double images_per_s = 0;
  int repeats = 0;
  double spread = 0;         // of the repeats
  double batch_seconds = 0;  // for one batch
  double of_limit = 0;  // what the matrix products and the optimiser's bytes take at the machine's rates,
                        // over batch_seconds; of an epoch and of TTA: what their parts take one after the
                        // other, the loader on all threads, and the forward pass; 0: no limit is known
  MachineRates machine{};
  std::int64_t memory = 0;  // bytes of anonymous memory at the most
  std::int64_t device_memory =
      0;  // bytes of tensors on a CUDA device at the most, this measurement's rates not counted
};

// Two measurements are compared up to this spread, from this many repeats on, and differ by more than their
// spreads and this part.
inline constexpr double largest_spread = 0.05;
inline constexpr int fewest_repeats = 3;
inline constexpr double smallest_difference = 0.01;

// Of repeats' seconds, at least one.
Timing summarize(std::vector<double> seconds);

// Calls `work` until it is warm, then in repeats, each closed by `wait`, which waits for the device. A stop
// signal: Error(failed).
Timing time_calls(const std::function<void()>& work, const std::function<void()>& wait,
                  const BenchOptions& options);

// TrainingStep alone, on random images that lie on the device: forward and backward pass, clipping,
// optimiser.
BenchRow bench_step(const RunConfig& config, const BenchOptions& options);

// The gradient norm, clipping and the update alone, of given gradients; its rate is of updates.
BenchRow bench_optimizer(const RunConfig& config, const BenchOptions& options);

// Training steps on the loader's batches of data.root, as in a run, after step and loader alone.
std::vector<BenchRow> bench_epoch(const RunConfig& config, BenchOptions options);

// Forward passes of the loader's random crops of data.root's test images, after the forward pass alone.
std::vector<BenchRow> bench_tta(const RunConfig& config, BenchOptions options);

// The loader alone: batches of data.root, rendered and augmented as the configuration says.
BenchRow bench_loader(const RunConfig& config, const BenchOptions& options);

// The forward pass alone, in evaluation mode, on random images that lie on the device.
BenchRow bench_forward(const RunConfig& config, const BenchOptions& options);

std::string bench_json(const std::vector<BenchRow>& rows);
std::vector<BenchRow> parse_bench_json(const std::string& text,
                                       const std::string& name);  // broken: Error(data)

// Two measurements of the same thing.
struct Comparison {
  BenchRow before, after;
  double ratio = 0;     // of images_per_s, after over before
  std::string verdict;  // "faster", "slower", "no difference" within the spreads, or why there is none
};

// Pairs the rows that measure the same: kind, model, sizes, precision, threads. No pair: Error(data).
std::vector<Comparison> compare_benchmarks(const std::vector<BenchRow>& before,
                                           const std::vector<BenchRow>& after);

}  // namespace smlp
