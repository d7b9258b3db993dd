#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "smlp/data/split_summary.hpp"

namespace smlp {

// Prints a table of a data set's splits.
void print_data_set(const std::vector<SplitSummary>& splits);

// Writes the first split's contact sheet as PNG.
void write_sheet(const std::vector<SplitSummary>& splits, const std::filesystem::path& file);

}  // namespace smlp
