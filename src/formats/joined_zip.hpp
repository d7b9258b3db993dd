#pragma once
#include <cstddef>
#include <span>

namespace smlp {

// Whether a file holds several zip archives one after the other. The directory at its end, from which readers
// start, knows only the records of the last; what lies before that is taken for a program that unpacks
// itself.
bool is_joined_zip(std::span<const std::byte> file);

}  // namespace smlp
