#include "smlp/data/block_hash.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "smlp/core/error.hpp"

namespace smlp {

struct BlockHasher::State {
  XXH3_state_t xxh3;
};

BlockHasher::BlockHasher(std::vector<std::string> finished)
    : state_(std::make_unique<State>()), hashes_(std::move(finished)) {
  XXH3_64bits_reset(&state_->xxh3);
}
BlockHasher::~BlockHasher() = default;

void BlockHasher::add(const void* bytes, std::size_t size) {
  const auto* next = static_cast<const unsigned char*>(bytes);
  while (size > 0) {
    const std::size_t part = std::min<std::uint64_t>(size, pack_block_bytes - in_block_);
    XXH3_64bits_update(&state_->xxh3, next, part);
    next += part;
    size -= part;
    in_block_ += part;
    if (in_block_ == pack_block_bytes) finish();
  }
}

std::vector<std::string> BlockHasher::finish() {
  if (in_block_ > 0) {
    hashes_.push_back(fmt::format("{:016x}", XXH3_64bits_digest(&state_->xxh3)));
    XXH3_64bits_reset(&state_->xxh3);
    in_block_ = 0;
  }
  return hashes_;
}

}  // namespace smlp
