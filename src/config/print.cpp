#include "smlp/config/print.hpp"

#include <spdlog/fmt/fmt.h>
#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace smlp {
namespace {

std::string yaml_text(double value) {
  char buffer[32];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}
std::string yaml_text(std::int64_t value) {
  return std::to_string(value);
}
std::string yaml_text(bool value) {
  return value ? "true" : "false";
}

// Plain when YAML cannot read it as anything else; otherwise a JSON string, which is YAML too.
std::string yaml_text(const std::string& value) {
  static const std::string plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
  const bool word = !value.empty() && value.find_first_not_of(plain) == std::string::npos &&
                    (std::isalpha(static_cast<unsigned char>(value[0])) || value[0] == '/') &&
                    value != "null" && value != "Null" && value != "NULL" && value != "None";
  return word ? value : nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <class T>
std::string yaml_text(const std::optional<T>& value) {
  return value ? yaml_text(*value) : "null";
}
template <class Range>
std::string yaml_list(const Range& values) {
  std::vector<std::string> texts;
  for (const auto& value : values) texts.push_back(yaml_text(value));
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

// Flattens a config to rows: a section is a row of type "section" followed by its keys'.
class Lister : public FieldVisitor {
 public:
  Lister(std::vector<KeyRow>& rows, std::string path, bool item_keys)
      : rows_(rows), path_(std::move(path)), item_keys_(item_keys) {}

  void field(const char* key, bool& value, const char* help) override {
    add(key, "true or false", yaml_text(value), help);
  }
  void field(const char* key, std::int64_t& value, const char* help, Bounds bounds) override {
    add(key, "integer", yaml_text(value), help, bounds);
  }
  void field(const char* key, double& value, const char* help, Bounds bounds) override {
    add(key, "number", yaml_text(value), help, bounds);
  }
  void field(const char* key, std::string& value, const char* help) override {
    add(key, "text", yaml_text(value), help);
  }
  void field(const char* key, std::optional<std::string>& value, const char* help) override {
    add(key, "text or null", yaml_text(value), help);
  }
  void field(const char* key, std::optional<std::int64_t>& value, const char* help, Bounds bounds) override {
    add(key, "integer or null", yaml_text(value), help, bounds);
  }
  void field(const char* key, std::optional<double>& value, const char* help, Bounds bounds) override {
    add(key, "number or null", yaml_text(value), help, bounds);
  }
  void field(const char* key, std::vector<std::int64_t>& value, const char* help, Bounds bounds) override {
    add(key, "list of integers", yaml_list(value), help, bounds);
  }
  void field(const char* key, std::vector<double>& value, const char* help, Bounds bounds) override {
    add(key, "list of numbers", yaml_list(value), help, bounds);
  }
  void field(const char* key, std::array<double, 2>& value, const char* help, Bounds bounds) override {
    add(key, "[low, high]", yaml_list(value), help, bounds);
  }

 protected:
  void word_field(const char* key, std::string& word, const std::vector<std::string>& names,
                  const char* help) override {
    add(key, fmt::format("{}", fmt::join(names, " | ")), yaml_text(word), help);
  }
  void group(const char* key, const Fields& fields, const char* help) override {
    add(key, "section", "", help);
    list(fields, path(key));
  }
  void optional_group(const char* key, bool present, const std::function<void(bool)>&, const Fields& fields,
                      const char* help) override {
    add(key, present ? "section" : "section or null", present ? "" : "null", help);
    if (present) list(fields, path(key));
  }
  void family_group(const char* key, const std::string& name, const std::vector<std::string>& names,
                    const std::function<void(const std::string&)>&, const Fields& fields,
                    const char* help) override {
    add(key, "section", "", help);
    rows_.push_back({path(key) + ".name", fmt::format("{}", fmt::join(names, " | ")), yaml_text(name), "",
                     "decides the section's other keys"});
    list(fields, path(key));
  }
  void list_group(const char* key, std::size_t size, const std::function<void(std::size_t)>& resize,
                  const std::function<void(std::size_t, FieldVisitor&)>& fields, const char* help) override {
    std::vector<std::string> items;
    for (std::size_t i = 0; i < size; ++i) items.push_back(flow_map([&](FieldVisitor& v) { fields(i, v); }));
    add(key, "list of sections", fmt::format("[{}]", fmt::join(items, ", ")), help);
    if (!item_keys_) return;
    resize(1);
    list([&](FieldVisitor& v) { fields(0, v); }, path(key) + "[]");
  }

 private:
  std::string path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  void add(const char* key, std::string type, std::string value, const char* help,
           const Bounds& bounds = {}) {
    rows_.push_back({path(key), std::move(type), std::move(value), bounds_text(bounds), help});
  }
  void list(const Fields& fields, const std::string& below) {
    Lister inner(rows_, below, item_keys_);
    fields(inner);
  }
  static std::string flow_map(const Fields& fields) {
    std::vector<KeyRow> rows;
    Lister inner(rows, "", false);
    fields(inner);
    std::vector<std::string> pairs;
    for (const KeyRow& row : rows) pairs.push_back(row.path + ": " + row.value);
    return fmt::format("{{{}}}", fmt::join(pairs, ", "));
  }

  std::vector<KeyRow>& rows_;
  std::string path_;
  bool item_keys_;
};

void emit(YAML::Emitter& out, const ConfigNode& node) {
  switch (node.kind) {
    case ConfigNode::Kind::null:
      out << YAML::Null;
      break;
    case ConfigNode::Kind::scalar:
      if (node.quoted) out << YAML::DoubleQuoted;
      out << node.text;
      break;
    case ConfigNode::Kind::list:
      if (std::ranges::all_of(node.items, [](const ConfigNode& each) { return each.entries.empty(); }))
        out << YAML::Flow;
      out << YAML::BeginSeq;
      for (const ConfigNode& item : node.items) emit(out, item);
      out << YAML::EndSeq;
      break;
    case ConfigNode::Kind::map:
      out << YAML::BeginMap;
      for (const auto& [key, value] : node.entries) {
        out << YAML::Key << key << YAML::Value;
        emit(out, value);
      }
      out << YAML::EndMap;
  }
}

}  // namespace

std::string print_tree(const ConfigNode& document) {
  YAML::Emitter out;
  emit(out, document);
  return std::string(out.c_str(), out.size()) + "\n";
}

std::vector<KeyRow> config_rows(const FieldVisitor::Fields& fields) {
  std::vector<KeyRow> rows;
  Lister lister(rows, "", false);
  fields(lister);
  return rows;
}

std::string print_config(const FieldVisitor::Fields& fields, const Origins* origins) {
  std::string text;
  for (const KeyRow& row : config_rows(fields)) {
    const auto depth = std::count(row.path.begin(), row.path.end(), '.');
    const std::size_t dot = row.path.rfind('.');
    std::string line =
        std::string(2 * depth, ' ') + row.path.substr(dot == std::string::npos ? 0 : dot + 1) + ":";
    if (!row.value.empty()) line += " " + row.value;
    if (origins != nullptr && !row.value.empty()) {
      const auto origin = origins->find(row.path);
      line = fmt::format("{:<48}  # {}", line, origin == origins->end() ? "default" : origin->second);
    }
    text += line + "\n";
  }
  return text;
}

std::vector<KeyRow> list_keys(const FieldVisitor::Fields& fields) {
  std::vector<KeyRow> rows;
  Lister lister(rows, "", true);
  fields(lister);
  return rows;
}

std::string bounds_text(const Bounds& bounds) {
  std::vector<std::string> parts;
  if (bounds.min != -std::numeric_limits<double>::infinity())
    parts.push_back((bounds.min_open ? "> " : "≥ ") + yaml_text(bounds.min));
  if (bounds.max != std::numeric_limits<double>::infinity())
    parts.push_back((bounds.max_open ? "< " : "≤ ") + yaml_text(bounds.max));
  return parts.empty() ? "" : fmt::format(" {}", fmt::join(parts, ", "));
}

}  // namespace smlp
