#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace smlp {

// The splits there are, in the order they are looked for. A packed data set keeps each in a folder of this
// name, "val" only in those of other programs: `smlp pack` writes it as "test".
inline constexpr const char* split_names[] = {"train", "test", "val", "unlabeled"};

// The split that a word means, as people name folders and files, in any case: "validation", "valid", "dev", …
// are "val". "" for any other word.
std::string split_of_word(std::string_view word);

// What a name says of a split by a word between other characters than letters, or by its capitals:
// "imagenet21k_val", "val2017", "TestImages".
struct SplitInName {
  std::vector<std::string> splits;  // each once; empty: none, several: it contradicts itself
  std::string rest;                 // the name without those words
};
SplitInName split_in_name(std::string_view name);

// Where a pack keeps a split.
inline std::string packed_split(std::string_view split) {
  return split == "val" ? "test" : std::string(split);
}

}  // namespace smlp
