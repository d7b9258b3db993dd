#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace smlp {

struct ClassList {
  const std::vector<std::string>& names;  // all empty: only their number is known
  std::string owner;                      // what a message calls it: "the model", a data set's folder
};

// Names of classes that were read from `where`: one twice, or not UTF-8: Error(data).
void check_class_names(const std::vector<std::string>& names, std::string_view where);

// A class list as users keep it: one name a line, with or without a byte order mark. UTF-16, missing, empty,
// or with a name twice: Error(data).
std::vector<std::string> read_class_list(const std::filesystem::path& file);

// Whether a model's outputs mean a data set's labels. Error(data) when the lists have different lengths or
// names (naming the first differences), be it other spellings. With `force` these are warnings, as long as
// every label of the data is one of the model's outputs; so it is where one of the lists has no names.
void check_classes_of_model(const ClassList& model, const ClassList& data, bool force);

// Two splits of one set must have the same list: Error(data) naming the first differences.
void check_same_classes(const ClassList& a, const ClassList& b);

}  // namespace smlp
