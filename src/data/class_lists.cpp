#include "smlp/data/class_lists.hpp"

#include <algorithm>
#include <unordered_set>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

constexpr std::size_t differences_shown = 3;
constexpr std::uint64_t class_list_bytes = std::uint64_t{64} << 20;

bool has_names(const ClassList& list) {
  return std::any_of(list.names.begin(), list.names.end(),
                     [](const std::string& each) { return !each.empty(); });
}

std::string count_text(const ClassList& a, const ClassList& b) {
  return fmt::format("{} has {} classes, {} has {}", a.owner, a.names.size(), b.owner, b.names.size());
}

std::string differences(const ClassList& a, const ClassList& b) {
  std::string text;
  std::size_t found = 0;
  for (std::size_t i = 0; i < std::min(a.names.size(), b.names.size()); ++i) {
    if (a.names[i] == b.names[i] || ++found > differences_shown) continue;
    text += fmt::format("{}class {} is \"{}\" in {} and \"{}\" in {}", text.empty() ? "" : ", ", i,
                        printable(a.names[i]), a.owner, printable(b.names[i]), b.owner);
  }
  return found > differences_shown ? fmt::format("{}, and {} more", text, found - differences_shown) : text;
}

// As editors leave them at the ends of lines.
std::string without_blanks_around(const std::string& name) {
  const std::size_t first = name.find_first_not_of(" \t");
  return first == std::string::npos ? "" : name.substr(first, name.find_last_not_of(" \t") + 1 - first);
}

}  // namespace

void check_class_names(const std::vector<std::string>& names, std::string_view where) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (!is_utf8(name)) fail(ErrorKind::data, "{}: class \"{}\" is not UTF-8 text", where, printable(name));
    if (!seen.insert(name).second)
      fail(ErrorKind::data, "{}: class \"{}\" is listed twice", where, printable(name));
  }
}

std::vector<std::string> read_class_list(const std::filesystem::path& file) {
  const std::string text = read_file(file, class_list_bytes);
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    fail(ErrorKind::data, "{}: UTF-16 text; save it as UTF-8", file.string());
  std::vector<std::string> names = text_lines(text);
  for (std::string& name : names) name = without_blanks_around(name);
  std::erase(names, "");  // a line of blanks is an empty one
  if (names.empty()) fail(ErrorKind::data, "{}: holds no class names", file.string());
  check_class_names(names, file.string());
  return names;
}

void check_classes_of_model(const ClassList& model, const ClassList& data, bool force) {
  if (model.names.size() != data.names.size()) {
    if (!force || data.names.size() > model.names.size())
      fail(ErrorKind::data, "{}: its labels are not the model's outputs{}", count_text(data, model),
           data.names.size() < model.names.size() ? "; --force-classes takes them as they are numbered" : "");
    log().warn("{}: labels are taken as they are numbered", count_text(data, model));
  }
  if (!has_names(model) || !has_names(data)) {
    log().warn("{} knows no class names: labels are taken as they are numbered",
               (has_names(model) ? data : model).owner);
    return;
  }
  const std::string different = differences(data, model);
  if (different.empty()) return;
  if (!force)
    fail(ErrorKind::data,
         "the model's classes are not the data set's: {}; pack the data with the model's class list, or take "
         "labels "
         "as they are numbered with --force-classes",
         different);
  log().warn("{}; labels are taken as they are numbered", different);
}

void check_same_classes(const ClassList& a, const ClassList& b) {
  if (a.names == b.names) return;
  if (a.names.size() != b.names.size())
    fail(ErrorKind::data, "{}; both must have the same list: pack them from one source", count_text(a, b));
  fail(ErrorKind::data, "{}; both must have the same list: pack them from one source", differences(a, b));
}

}  // namespace smlp
