#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "smlp/core/files.hpp"
#include "smlp/data/block_hash.hpp"
#include "smlp/data/dataset_info.hpp"
#include "smlp/pack/ordered_decoder.hpp"
#include "smlp/pack/pack_progress.hpp"

namespace smlp {

// Writes one split's files in a work folder, from the start or from where `progress` says they had come.
class SplitWriter {
 public:
  SplitWriter(fs::path folder, int image_size, const SplitProgress& progress = {});

  void append(const DecodedSample& sample);
  std::int64_t images() const { return progress_.images; }
  std::size_t finished_blocks() const { return hasher_.finished().size(); }

  SplitProgress progress();  // of what has been handed to the system; sync() makes it last
  void sync() const;         // may run beside append()

  // info brings source, family, resize, classes and bad images; the rest is filled in. All files are complete
  // and synced afterwards.
  void finish(DatasetInfo info, const std::vector<std::int64_t>& labels);

 private:
  void flush_names();

  const fs::path folder_;
  const int image_size_;
  SplitProgress progress_;
  const std::string header_;
  AppendFile images_, names_;
  std::string pending_names_;
  BlockHasher hasher_;
};

}  // namespace smlp
