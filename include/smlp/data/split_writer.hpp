#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "smlp/core/files.hpp"
#include "smlp/data/block_hash.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/data/ordered_decoder.hpp"
#include "smlp/formats/npy.hpp"

namespace smlp {

// Writes one split's folder, which appears under its name on commit().
class SplitWriter {
 public:
  SplitWriter(const fs::path& target, int image_size);

  void append(const DecodedSample& sample);

  // info brings source, family, resize and classes; the rest is filled in. Writes all files; commit() makes
  // them visible.
  void finish(DatasetInfo info, const std::vector<std::int64_t>& labels);
  void commit() { folder_.commit(); }

  std::int64_t images() const { return images_.rows(); }

 private:
  StagedDirectory folder_;
  const int image_size_;
  NpyWriter images_;
  AtomicFile names_;
  std::string pending_names_;
  BlockHasher hasher_;
  std::array<std::uint64_t, 3> sums_{}, squares_{};
};

}  // namespace smlp
