#pragma once
#include "smlp/pack/pack_progress.hpp"
#include "smlp/pack/sources/source.hpp"

namespace smlp {

// Warns of every class that lost images, with their number and kinds, and of classes that a split has no
// images of. left_out: what could not be decoded, by split.
void warn_of_losses(const SourceResult& result, const std::map<std::string, std::vector<LeftOut>>& left_out);

}  // namespace smlp
