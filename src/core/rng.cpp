#include "smlp/core/rng.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

constexpr std::uint32_t blocks_per_stream = 1u << 24;

// Any 32-bit mixing will do for a Feistel round; this is MurmurHash3's finaliser after a keyed
// multiplication.
std::uint32_t mix(std::uint32_t value, std::uint32_t key) {
  std::uint32_t x = (value ^ key) * 0x9E3779B1u + key;
  x = (x ^ (x >> 16)) * 0x85EBCA6Bu;
  x = (x ^ (x >> 13)) * 0xC2B2AE35u;
  return x ^ (x >> 16);
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32_10(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * c[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ key[0], static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return c;
}

RandomStream::RandomStream(std::uint64_t seed, Purpose purpose, std::uint32_t time, std::uint64_t index)
    : counter_{static_cast<std::uint32_t>(purpose) << 24, time, static_cast<std::uint32_t>(index),
               static_cast<std::uint32_t>(index >> 32)},
      key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)} {}

std::uint32_t RandomStream::next() {
  if (used_ == 4) {
    if (exhausted_)
      fail(ErrorKind::failed, "a random stream ran out after {} blocks: split it by index",
           blocks_per_stream);
    block_ = philox4x32_10(counter_, key_);
    exhausted_ = (counter_[0] & (blocks_per_stream - 1)) == blocks_per_stream - 1;
    if (!exhausted_) ++counter_[0];
    used_ = 0;
  }
  return block_[used_++];
}

std::uint64_t RandomStream::next64() {
  const std::uint64_t low = next();
  return (std::uint64_t{next()} << 32) | low;
}

double RandomStream::uniform() {
  return static_cast<double>(next64() >> 11) * 0x1p-53;
}

double RandomStream::uniform(double low, double high) {
  const double value = low + (high - low) * uniform();
  return value < high || low >= high ? value : std::nextafter(high, low);
}

std::uint32_t RandomStream::below(std::uint32_t n) {
  // Lemire, "Fast Random Integer Generation in an Interval" (2019).
  std::uint64_t product = std::uint64_t{next()} * n;
  if (static_cast<std::uint32_t>(product) < n) {
    const std::uint32_t threshold = (0u - n) % n;
    while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{next()} * n;
  }
  return static_cast<std::uint32_t>(product >> 32);
}

double RandomStream::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

double RandomStream::gamma_log(double shape) {
  if (shape < 1.0) {
    const double boost = std::log(1.0 - uniform()) / shape;  // U^(1/shape), whose value would underflow
    return gamma_log(shape + 1.0) + boost;
  }
  // Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables" (2000).
  const double d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = normal();
    const double t = 1.0 + c * x;
    if (t <= 0.0) continue;
    const double v = t * t * t;
    if (std::log(1.0 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v);
  }
}

double RandomStream::beta(double a, double b) {
  const double log_a = gamma_log(a), log_b = gamma_log(b);
  const double difference = log_b - log_a;
  if (std::isnan(difference)) return below(2);  // both underflow even as logarithms: the limit is a coin
  return 1.0 / (1.0 + std::exp(difference));
}

Permutation::Permutation(std::uint64_t n, std::uint64_t seed, Purpose purpose, std::uint32_t time,
                         std::uint64_t index)
    : n_(n) {
  if (n == 0) fail(ErrorKind::failed, "a permutation of no elements was asked for");
  half_bits_ = std::max(1, (static_cast<int>(std::bit_width(n - 1)) + 1) / 2);
  RandomStream stream(seed, purpose, time, index);
  for (std::uint32_t& key : round_keys_) key = stream.next();
}

std::uint64_t Permutation::operator()(std::uint64_t k) const {
  const std::uint32_t mask = static_cast<std::uint32_t>((std::uint64_t{1} << half_bits_) - 1);
  do {
    std::uint32_t left = static_cast<std::uint32_t>(k >> half_bits_),
                  right = static_cast<std::uint32_t>(k) & mask;
    for (const std::uint32_t key : round_keys_) {
      const std::uint32_t next = left ^ (mix(right, key) & mask);
      left = right;
      right = next;
    }
    k = (std::uint64_t{left} << half_bits_) | right;
  } while (k >= n_);
  return k;
}

}  // namespace smlp
