#pragma once
#include <span>
#include <string>

#include "smlp/pack/sources/source.hpp"

namespace smlp {

// The raw layouts `smlp pack` reads. To add one: its pair of files here and its row in registry.cpp.
std::span<const DataSource> data_sources();

// The row called `name`. Unknown: Error(usage) listing the names.
const DataSource& find_data_source(const std::string& name);

}  // namespace smlp
