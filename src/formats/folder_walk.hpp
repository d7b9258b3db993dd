#pragma once
#include "smlp/formats/archive.hpp"

namespace smlp {

inline constexpr std::uint64_t archive_entry_limit = std::uint64_t{1} << 30;

// read_archive() of a folder.
void walk_folder(const std::filesystem::path& root, const std::function<bool(const std::string&)>& wanted,
                 const std::function<void(ArchiveEntry&&)>& visit);

}  // namespace smlp
