#pragma once
#include <optional>
#include <string>

#include "smlp/config/read.hpp"

namespace smlp {

// A key of a run's configuration that somebody means by a word, and the value where the word says that too
// ("amp": device.precision, bf16).
struct MeantKey {
  std::string key;
  std::string value;  // "": not said
};

// What a word means that is no key as it stands: the last part of one ("lr", "batch-size"), the whole of one,
// or a word that PyTorch's and timm's users have for it ("bs", "wd"). Capitals, leading dashes, and whether
// words are joined by "-" or "_" make no difference. Several keys or none: nullopt.
std::optional<MeantKey> find_meant_key(const std::string& word);

// The same, as the reader of configurations asks for it.
const Meanings& key_meanings();

}  // namespace smlp
