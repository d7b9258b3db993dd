#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "smlp/data/dataset_info.hpp"

namespace smlp {

// How far one split's files have come.
struct SplitProgress {
  std::int64_t images = 0;
  std::uint64_t names_bytes = 0;                   // of names.txt
  std::vector<std::string> block_hashes;           // of the finished blocks
  std::array<std::uint64_t, 3> sums{}, squares{};  // of all pixels, by channel
};

// A sample that could not be decoded and was left out.
struct LeftOut {
  std::int64_t index = 0;  // among the split's samples as the source gave them
  BadImage image;
};

// What an unfinished pack needs to go on.
struct PackProgress {
  std::string job;  // source and options as JSON: another job cannot go on from here
  int image_size = 0;
  bool resized = false;
  bool complete = false;  // the splits are whole and need only be renamed
  std::map<std::string, SplitProgress> splits;
  std::map<std::string, std::vector<LeftOut>> left_out;  // by split
  // By split, of what the source gave so far (see hash_of); what an earlier version left has none.
  std::map<std::string, std::uint64_t> source_hashes;
};

std::string pack_progress_text(const PackProgress& progress);

// Reads it back, checked as any input. Error(data) naming `name`.
PackProgress parse_pack_progress(std::string_view text, std::string_view name);

}  // namespace smlp
