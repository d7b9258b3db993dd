#include "smlp/pack/ordered_decoder.hpp"

#include <system_error>
#include <utility>

namespace smlp {
namespace {

constexpr std::size_t chunk_samples = 64;
constexpr std::size_t chunk_bytes = std::size_t{4} << 20;

}  // namespace

OrderedDecoder::OrderedDecoder(int threads, Decode decode, Deliver deliver)
    : decode_(std::move(decode)),
      deliver_(std::move(deliver)),
      max_chunks_(2 * static_cast<std::size_t>(threads) + 2),
      filling_(std::make_unique<Chunk>()) {
  try {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {
    if (threads_.empty()) throw;  // else those there are do the work
  }
}

OrderedDecoder::~OrderedDecoder() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  to_do_.notify_all();
  threads_.clear();
}

void OrderedDecoder::add(RawSample&& sample) {
  filling_->bytes += sample.encoded.size() + sample.pixels.pixels.size();
  filling_->samples.push_back(std::move(sample));
  if (filling_->samples.size() >= chunk_samples || filling_->bytes >= chunk_bytes) submit();
  while (under_way_.size() >= max_chunks_) deliver_first();
}

void OrderedDecoder::finish() {
  submit();
  while (!under_way_.empty()) deliver_first();
}

void OrderedDecoder::submit() {
  under_way_.push_back(std::exchange(filling_, std::make_unique<Chunk>()));
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(under_way_.back().get());
  }
  to_do_.notify_one();
}

void OrderedDecoder::deliver_first() {
  {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return under_way_.front()->done; });
  }
  const std::unique_ptr<Chunk> chunk = std::move(under_way_.front());
  under_way_.pop_front();
  for (DecodedSample& each : chunk->decoded) deliver_(std::move(each));
  if (chunk->error) std::rethrow_exception(chunk->error);
}

void OrderedDecoder::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    to_do_.wait(lock, [&] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    Chunk& chunk = *queue_.front();
    queue_.pop_front();
    lock.unlock();
    try {
      for (RawSample& each : chunk.samples) chunk.decoded.push_back(decode_(std::move(each)));
    } catch (...) {
      chunk.error = std::current_exception();
    }
    lock.lock();
    chunk.done = true;
    done_.notify_one();
  }
}

}  // namespace smlp
