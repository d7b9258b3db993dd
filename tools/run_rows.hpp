#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace smlp {

// A run as a row: an object of columns and values, a column it has no value for being null or not there.
// First "run" and "path", then its settings under their keys ("optim.lr"), then status, command, reason,
// start, end, time (seconds of training), epoch, and results in %. Settings that a ridge probe does not use
// are left out.
using Row = nlohmann::ordered_json;

bool is_setting(const std::string& column);  // a key of the configuration
bool is_place(const std::string& column);    // that says where the run is, not what

// A configuration that cannot be read: Error(usage); files beside it: Error(data).
Row run_row(const std::filesystem::path& run);

struct Listing {
  std::vector<Row> rows;              // by path
  std::vector<std::string> left_out;  // folders, with the reason
};

// The runs that are named, and those in the folders that are. No such folder: Error(data).
Listing list_runs(const std::vector<std::string>& places);

const nlohmann::ordered_json& value_of(const Row& row, const std::string& column);  // null: none

}  // namespace smlp
