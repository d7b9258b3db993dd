#pragma once
#include <filesystem>

#include "smlp/analysis/benchmarks.hpp"
#include "smlp/pack/pack.hpp"

namespace smlp {

// Packs into a folder of its own below `scratch`, deleted afterwards, again and again: decoding, resizing,
// writing and syncing, with the source in the page cache from the second time on.
BenchRow bench_pack(PackOptions pack, const std::filesystem::path& scratch, const BenchOptions& options);

}  // namespace smlp
