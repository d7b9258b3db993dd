#include "smlp/config/read.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <set>
#include <string_view>

#include "smlp/config/nearest.hpp"
#include "smlp/config/print.hpp"
#include "smlp/core/error.hpp"

namespace smlp {
namespace {

using Kind = ConfigNode::Kind;

// Without a plus, and without underscores between digits, as YAML 1.1 and Python write 1_000.
std::string plain_number(const std::string& text) {
  const auto digit = [&](std::size_t i) {
    return i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0;
  };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool plus = i == 0 && text[i] == '+' && (digit(1) || text.starts_with("+."));
    const bool between = text[i] == '_' && i > 0 && digit(i - 1) && digit(i + 1);
    if (!plus && !between) plain += text[i];
  }
  return plain;
}

// A number as YAML 1.2 writes it: also +1, .5, 1e-3, and integers as 0x1f and 0o17.
template <class T>
std::optional<T> parse_number(const std::string& text) {
  const std::string plain = plain_number(text);
  const char *begin = plain.data(), *end = begin + plain.size();
  T value{};
  std::from_chars_result result{};
  if constexpr (std::is_integral_v<T>) {
    const int base = plain.starts_with("0x") ? 16 : plain.starts_with("0o") ? 8 : 10;
    if (base != 10) begin += 2;
    if (base != 10 && plain.substr(2).starts_with('-')) return std::nullopt;
    result = std::from_chars(begin, end, value, base);
  } else {
    result = std::from_chars(begin, end, value);
  }
  if (result.ec != std::errc{} || result.ptr != end) return std::nullopt;
  return value;
}

class Reader : public FieldVisitor {
 public:
  Reader(const ConfigNode& map, std::string path, Origins* origins, const Meanings& meanings)
      : map_(map), path_(std::move(path)), origins_(origins), meanings_(meanings) {
    if (map.kind != Kind::map) expected(map, path_, "a section of keys");
  }

  void field(const char* key, bool& value, const char*) override {
    if (const ConfigNode* node = find(key)) {
      const bool is_true = is_word(*node, {"true", "True", "TRUE"});
      if (!is_true && !is_word(*node, {"false", "False", "FALSE"}))
        expected(*node, path(key), "true or false");
      value = is_true;
    }
  }
  void field(const char* key, std::int64_t& value, const char*, Bounds bounds) override {
    if (const ConfigNode* node = find(key)) value = number<std::int64_t>(*node, path(key), bounds);
  }
  void field(const char* key, double& value, const char*, Bounds bounds) override {
    if (const ConfigNode* node = find(key)) value = number<double>(*node, path(key), bounds);
  }
  void field(const char* key, std::string& value, const char*) override {
    if (const ConfigNode* node = find(key)) value = text(*node, path(key));
  }
  void field(const char* key, std::optional<std::string>& value, const char*) override {
    if (const ConfigNode* node = find(key)) {
      value.reset();
      if (node->kind != Kind::null) value = text(*node, path(key));
    }
  }
  void field(const char* key, std::optional<std::int64_t>& value, const char*, Bounds bounds) override {
    optional_number(key, value, bounds);
  }
  void field(const char* key, std::optional<double>& value, const char*, Bounds bounds) override {
    optional_number(key, value, bounds);
  }
  void field(const char* key, std::vector<std::int64_t>& value, const char*, Bounds bounds) override {
    if (const ConfigNode* node = find(key)) value = numbers<std::int64_t>(*node, path(key), bounds);
  }
  void field(const char* key, std::vector<double>& value, const char*, Bounds bounds) override {
    if (const ConfigNode* node = find(key)) value = numbers<double>(*node, path(key), bounds);
  }
  void field(const char* key, std::array<double, 2>& value, const char*, Bounds bounds) override {
    if (const ConfigNode* node = find(key)) {
      const std::vector<double> pair = numbers<double>(*node, path(key), bounds);
      if (pair.size() != 2 || pair[0] > pair[1]) expected(*node, path(key), "[low, high]");
      value = {pair[0], pair[1]};
    }
  }

  void refuse_unknown() const {
    for (const auto& [key, value] : map_.entries)
      if (!known_.contains(key)) {
        const std::vector<std::string> names(known_.begin(), known_.end());
        const std::string meant = meanings_.of_key ? meanings_.of_key(path(key)) : "";
        fail(ErrorKind::usage, "{}: unknown key '{}'{}{}", value.origin.text(), path(key),
             meant.empty() ? did_you_mean(key, names) : fmt::format(" ({})", meant),
             path_.empty() ? "" : fmt::format("; '{}' has: {}", path_, fmt::join(names, ", ")));
      }
  }

 protected:
  void word_field(const char* key, std::string& word, const std::vector<std::string>& names,
                  const char*) override {
    if (const ConfigNode* node = find(key)) word = one_of(*node, path(key), names);
  }
  void group(const char* key, const Fields& fields, const char*) override {
    if (const ConfigNode* node = find(key)) read_map(*node, path(key), fields);
  }
  void optional_group(const char* key, bool present, const std::function<void(bool)>& set_present,
                      const Fields& fields, const char*) override {
    const ConfigNode* node = find(key);
    if (node == nullptr) return;
    const bool wanted = node->kind != Kind::null;
    if (wanted != present) set_present(wanted);
    if (node->kind == Kind::scalar) expected(*node, path(key), "a section of keys, or null");
    if (wanted) read_map(*node, path(key), fields);
  }
  void family_group(const char* key, const std::string&, const std::vector<std::string>& names,
                    const std::function<void(const std::string&)>& select, const Fields& fields,
                    const char*) override {
    const ConfigNode* node = find(key);
    if (node == nullptr) return;
    const ConfigNode* name = node->kind == Kind::map ? node->find("name") : nullptr;
    if (name != nullptr) select(one_of(*name, path(key) + ".name", names));
    read_map(*node, path(key), [&](FieldVisitor& v) {
      std::string ignored;
      v.field("name", ignored, "");
      fields(v);
    });
  }
  void list_group(const char* key, std::size_t, const std::function<void(std::size_t)>& resize,
                  const std::function<void(std::size_t, FieldVisitor&)>& fields, const char*) override {
    const ConfigNode* node = find(key);
    if (node == nullptr) return;
    if (node->kind != Kind::list) expected(*node, path(key), "a list of sections");
    resize(node->items.size());
    for (std::size_t i = 0; i < node->items.size(); ++i)
      read_map(node->items[i], fmt::format("{}[{}]", path(key), i), [&](FieldVisitor& v) { fields(i, v); });
  }

 private:
  void read_map(const ConfigNode& node, const std::string& path, const Fields& fields) const {
    Reader reader(node, path, origins_, meanings_);
    fields(reader);
    reader.refuse_unknown();
  }

  std::string path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

  const ConfigNode* find(const char* key) {
    known_.insert(key);
    const ConfigNode* node = map_.find(key);
    if (node != nullptr && origins_ != nullptr) (*origins_)[path(key)] = node->origin.text();
    return node;
  }

  [[noreturn]] static void expected(const ConfigNode& node, const std::string& path,
                                    const std::string& what) {
    static constexpr const char* kinds[] = {"null", "", "a list", "a section"};
    const std::string found =
        node.kind == Kind::scalar ? fmt::format("'{}'", node.text) : kinds[int(node.kind)];
    fail(ErrorKind::usage, "{}: {} is {}; expected {}", node.origin.text(),
         path.empty() ? "the document" : path, found, what);
  }

  static std::string text(const ConfigNode& node, const std::string& path) {
    if (node.kind != Kind::scalar) expected(node, path, "text");
    if (!node.quoted && node.text == "None")
      expected(node, path, "null where nothing is meant (or the word in quotes, \"None\")");
    return node.text;
  }

  static bool is_word(const ConfigNode& node, std::initializer_list<std::string_view> words) {
    return node.kind == Kind::scalar && std::ranges::find(words, node.text) != words.end();
  }

  std::string one_of(const ConfigNode& node, const std::string& path,
                     const std::vector<std::string>& names) const {
    if (node.kind == Kind::scalar)
      for (const std::string& name : names)
        if (node.text == name) return name;
    const std::string meant = meanings_.of_value ? meanings_.of_value(path, node.text) : "";
    expected(node, path,
             fmt::format("one of {}{}", fmt::join(names, ", "),
                         meant.empty() ? did_you_mean(node.text, names) : fmt::format(" ({})", meant)));
  }

  template <class T>
  void optional_number(const char* key, std::optional<T>& value, const Bounds& bounds) {
    const ConfigNode* node = find(key);
    if (node == nullptr) return;
    value.reset();
    if (node->kind != Kind::null) value = number<T>(*node, path(key), bounds);
  }

  template <class T>
  static T number(const ConfigNode& node, const std::string& path, const Bounds& bounds) {
    const std::string what =
        std::string(std::is_integral_v<T> ? "an integer" : "a number") + bounds_text(bounds);
    if (node.kind != Kind::scalar) expected(node, path, what);
    const std::optional<T> value = parse_number<T>(node.text);
    if (!value || !std::isfinite(static_cast<double>(*value)) ||
        !bounds.contains(static_cast<double>(*value)))
      expected(node, path, what);
    return *value;
  }

  // Presets, weights and flags say a list as one word: "[1, 2]".
  template <class T>
  static std::vector<T> numbers(const ConfigNode& node, const std::string& path, const Bounds& bounds) {
    if (node.kind == Kind::scalar && !node.quoted && node.text.starts_with('['))
      return numbers<T>(parse_yaml(node.text, node.origin.text()), path, bounds);
    if (node.kind != Kind::list) expected(node, path, "a list of numbers");
    std::vector<T> values;
    for (const ConfigNode& item : node.items) values.push_back(number<T>(item, path, bounds));
    return values;
  }

  const ConfigNode& map_;
  std::string path_;
  Origins* origins_;
  const Meanings& meanings_;
  std::set<std::string> known_;
};

}  // namespace

void read_config(const ConfigNode& root, const FieldVisitor::Fields& fields, Origins* origins,
                 const Meanings& meanings) {
  Reader reader(root, "", origins, meanings);
  fields(reader);
  reader.refuse_unknown();
}

}  // namespace smlp
