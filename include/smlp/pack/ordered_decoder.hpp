#pragma once
#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "smlp/pack/sources/source.hpp"

namespace smlp {

// A decoded and resized image on its way into a pack.
struct DecodedSample {
  RawSample raw;                  // without its encoded bytes and pixels
  std::uint64_t source_hash = 0;  // see hash_of()
  Image image;
  bool resized = false;
  std::string error;  // why it could not be decoded, when that is no reason to stop
  std::array<std::uint64_t, 3> sums{}, squares{};  // over the pixels, by channel
};

// Decodes samples on several threads and delivers them in the order they were added, on the caller's thread,
// holding no more than a few chunks of them.
class OrderedDecoder {
 public:
  using Decode = std::function<DecodedSample(RawSample&&)>;
  using Deliver = std::function<void(DecodedSample&&)>;

  OrderedDecoder(int threads, Decode decode, Deliver deliver);
  ~OrderedDecoder();
  OrderedDecoder(const OrderedDecoder&) = delete;
  OrderedDecoder& operator=(const OrderedDecoder&) = delete;

  // Delivers what is ready when too much is under way. Rethrows what decode() threw, in the samples' order.
  void add(RawSample&& sample);
  void finish();  // delivers the rest

 private:
  struct Chunk {
    std::vector<RawSample> samples;
    std::size_t bytes = 0;
    std::vector<DecodedSample> decoded;
    std::exception_ptr error;
    bool done = false;
  };
  void work();
  void submit();
  void deliver_first();

  const Decode decode_;
  const Deliver deliver_;
  const std::size_t max_chunks_;
  std::unique_ptr<Chunk> filling_;
  std::deque<std::unique_ptr<Chunk>>
      under_way_;  // in order; touched by the caller only, its chunks by one worker each

  std::mutex mutex_;
  std::condition_variable to_do_, done_;
  std::deque<Chunk*> queue_;
  bool stop_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace smlp
