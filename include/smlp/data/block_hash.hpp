#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace smlp {

// images.npy's data is hashed in blocks of this many bytes; the last block may be shorter.
inline constexpr std::uint64_t pack_block_bytes = std::uint64_t{64} << 20;

// Hashes a stream of bytes block by block, as core/hash does a whole.
class BlockHasher {
 public:
  explicit BlockHasher(std::vector<std::string> finished = {});  // the blocks before the first byte added
  ~BlockHasher();
  BlockHasher(const BlockHasher&) = delete;
  BlockHasher& operator=(const BlockHasher&) = delete;

  void add(const void* bytes, std::size_t size);
  const std::vector<std::string>& finished() const { return hashes_; }  // of whole blocks, in order
  std::vector<std::string> finish();                                    // with the last, shorter one

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::uint64_t in_block_ = 0;
  std::vector<std::string> hashes_;
};

}  // namespace smlp
