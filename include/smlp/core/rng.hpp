#pragma once
#include <array>
#include <cstdint>

namespace smlp {

// Randomness here is a function, not a state: every draw is Philox4x32-10 of (seed, purpose, time, index), so
// the number of workers, an interruption or the device changes no random choice and no generator state is
// saved.

// One block of the counter-based generator of Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3"
// (2011).
std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> counter,
                                           std::array<std::uint32_t, 2> key);

// What a stream of numbers is for; two purposes never share a stream. The values are part of the file format
// of a run (they decide its batches): append, never renumber.
enum class Purpose : std::uint32_t {
  init = 1,        // initial weights
  order = 2,       // order of an epoch: time = epoch
  augment = 3,     // crop and flip of one sample: time = epoch, index = sample
  mixup = 4,       // MixUp's weight: time = step
  subset = 5,      // data.fraction, data.per_class: index = class
  holdout = 6,     // data.holdout: index = class
  generator = 7,   // the tensor generator of a micro-step (dropout): time = step, index = micro-step
  shapes = 8,      // the embedded data set: time = split, index = sample
  window = 9,      // data.order windowed: time = epoch, index = 0 for its start, else layer and group
  tta = 10,        // test-time crops and flips: time = crop, index = image
  pixels = 11,     // data.permute_pixels
  bootstrap = 12,  // points of a scaling law drawn anew: index = drawing
  new_head = 13,   // a head in the place of a checkpoint's, which knows the draw its own began with
};

// The numbers of one (seed, purpose, time, index), in order. `time` is an epoch or a step. The counter's
// words are purpose (8 bits) and block (24 bits), time, index (64 bits); the key is the seed. After 2^26
// numbers: Error(failed).
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, Purpose purpose, std::uint32_t time = 0, std::uint64_t index = 0);

  std::uint32_t next();                     // 32 random bits
  std::uint64_t next64();                   // 64 random bits
  double uniform();                         // [0, 1), 53 bits
  double uniform(double low, double high);  // [low, high)
  std::uint32_t below(std::uint32_t n);     // {0, …, n-1}, n ≥ 1, without modulo bias
  double normal();                          // mean 0, deviation 1
  double beta(double a, double b);          // Beta(a, b), a > 0, b > 0; in [0, 1] also for very small a and b

 private:
  double gamma_log(double shape);  // log of a Gamma(shape, 1) variate: stays finite for small shapes

  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
  bool exhausted_ = false;
};

// A random permutation of {0, …, n-1} that is computed where it is asked for: a Feistel network over the
// smallest even number of bits that holds n, walked until the value falls below n. No memory, no warm-up for
// 12 million images. n ≥ 1.
class Permutation {
 public:
  Permutation(std::uint64_t n, std::uint64_t seed, Purpose purpose, std::uint32_t time = 0,
              std::uint64_t index = 0);

  std::uint64_t operator()(std::uint64_t k) const;  // k < n
  std::uint64_t size() const { return n_; }

 private:
  static constexpr int rounds = 8;
  std::uint64_t n_;
  int half_bits_;
  std::array<std::uint32_t, rounds> round_keys_;
};

}  // namespace smlp
