#pragma once
#include <span>
#include <string>

namespace smlp {

// The candidate with the fewest single-character edits from `word`, "" when none is within a third of its
// length (at least 2). For messages: "unknown key 'epocs'; did you mean 'epochs'?".
std::string nearest(const std::string& word, std::span<const std::string> candidates);

// " (did you mean 'epochs'?)" or "".
std::string did_you_mean(const std::string& word, std::span<const std::string> candidates);

}  // namespace smlp
