#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smlp/pack/sources/source.hpp"

namespace smlp {

// Labels that are numbers already. Their classes are named by a list, kept whole, or "0", "1", … up to the
// largest label met.
class NumberedLabels {
 public:
  // list: a file for read_class_list(); empty: none.
  explicit NumberedLabels(const std::filesystem::path& list);

  // Of a class that the list names.
  std::optional<std::int64_t> number_of(std::string_view class_name) const;

  // The next sample of the split. Negative, over 999,999 or not below the list's length: Error(data)
  // naming `where`.
  void add(const std::string& split, std::int64_t label, std::string_view where);

  SourceResult finish(std::int64_t skipped) const;

 private:
  std::filesystem::path list_;
  std::vector<std::string> classes_;
  std::map<std::string, std::int64_t, std::less<>> number_of_;
  std::map<std::string, std::vector<std::int64_t>> labels_;
  std::int64_t largest_ = -1;
};

}  // namespace smlp
