#pragma once
#include <span>
#include <string>

namespace smlp {

// The first candidate that goes on from `word` (of four characters or more), else the one with the fewest
// single-character edits from it; "" when none is within a third of its length (at least 2). For messages:
// "unknown key 'epocs'; did you mean 'epochs'?".
std::string nearest(const std::string& word, std::span<const std::string> candidates);

// " (did you mean 'epochs'?)" or "".
std::string did_you_mean(const std::string& word, std::span<const std::string> candidates);

}  // namespace smlp
