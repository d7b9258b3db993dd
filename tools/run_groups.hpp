#pragma once
#include <string>
#include <vector>

#include "run_rows.hpp"

namespace smlp {

// Runs that are shown in one row.
using Group = std::vector<const Row*>;

// Those that differ in the seed alone, unless `each`, in the order of the rows. A run that is there twice
// with the same seed is no second sample: it begins another group.
std::vector<Group> group_by_seed(const std::vector<Row>& rows, bool each);

// By these columns, the first one first; missing values come last. A group's number is its mean.
void sort_groups(std::vector<Group>& groups, const std::vector<std::string>& columns, bool reverse);

// Settings that are not the same in all rows, without name and place; init.from stands elsewhere.
std::vector<std::string> differing_settings(const std::vector<Row>& rows);

// A value as a table shows it; of several runs mean ± the sample's standard deviation, or what there is.
std::string cell_text(const Row& row, const std::string& column);
std::string group_text(const Group& group, const std::string& column);

}  // namespace smlp
