#pragma once
#include <cstdint>
#include <filesystem>
#include <variant>

namespace smlp {

// What only some layouts understand. To add one: its member, its row below, and its name in the rows of the
// registry whose sources use it.
struct SourceOptions {
  bool coarse = false;
  std::int64_t min_images = 0;
  std::int64_t holdout = 0;
  std::filesystem::path classes;
  std::filesystem::path labels;
  std::filesystem::path real_labels;
};

struct SourceOption {
  const char* flag;
  const char* value;  // what the help calls its value; "" for a member that is true or false
  const char* help;
  std::variant<bool SourceOptions::*, std::int64_t SourceOptions::*, std::filesystem::path SourceOptions::*>
      member;  // a number: 0 or more

  bool is_given(const SourceOptions& options) const;  // it differs from its default
};

// The command line, the checks and the job of an interrupted pack are made of these rows.
inline constexpr SourceOption source_option_table[] = {
    {"--coarse", "", "the superclasses as labels", &SourceOptions::coarse},
    {"--min-images", "N", "leave out classes with fewer images", &SourceOptions::min_images},
    {"--holdout", "N", "this many images of each class become the test split", &SourceOptions::holdout},
    {"--classes", "FILE",
     "the classes in the order of their labels, one a line; where images name theirs, only these are packed",
     &SourceOptions::classes},
    {"--labels", "PATH", "validation labels: the development kit or a list of wnids", &SourceOptions::labels},
    {"--real-labels", "FILE",
     "ReaL's real.json, of ImageNet's validation images: kept for `smlp eval --real-labels`",
     &SourceOptions::real_labels},
};

}  // namespace smlp
