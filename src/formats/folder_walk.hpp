#pragma once
#include "smlp/formats/archive.hpp"

namespace smlp {

// read_archive() of a folder.
void walk_folder(const std::filesystem::path& root, const WantedEntry& wanted, const VisitEntry& visit);

}  // namespace smlp
