#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smlp/core/paths.hpp"

namespace smlp {

// A setting is said once. Each component owns a config struct: members with their defaults, and one function
//   void fields(FieldVisitor& v);
// that names every key with its member, help and bounds. Reading YAML, printing, listing keys are visitors
// over it. Not here: any knowledge of a model, an optimiser or YAML.

// The values a number may take.
struct Bounds {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool min_open = false;  // min itself is excluded
  bool max_open = false;
  bool contains(double value) const {
    return (min_open ? value > min : value >= min) && (max_open ? value < max : value <= max);
  }
};
inline Bounds at_least(double min) {
  return {.min = min};
}
inline Bounds between(double min, double max) {
  return {.min = min, .max = max};
}

class FieldVisitor;

// A family of configs chosen by a `name` key: the base of ModelConfig, OptimizerConfig, ….
class FieldGroup {
 public:
  virtual ~FieldGroup() = default;
  virtual void fields(FieldVisitor& v) = 0;
};

// One row of a family's table. A table may have rows of its own type, with `name`, `make` and more.
template <class Base>
struct FamilyRow {
  const char* name;
  std::unique_ptr<Base> (*make)();  // with its defaults
};

template <class Base, class Config>
std::unique_ptr<Base> make_config() {
  return std::make_unique<Config>();
}

// A family's chosen member: `model: {name: b_mlp, depth: 6, …}`.
template <class Base>
struct Chosen {
  std::string name;
  std::unique_ptr<Base> config;
  Base* operator->() { return config.get(); }
  const Base* operator->() const { return config.get(); }
};

// Makes the member of `table` called `name`; null config when there is none.
template <class Base, class Table>
Chosen<Base> choose(const Table& table, const std::string& name) {
  for (const auto& row : table)
    if (row.name == name) return {name, row.make()};
  return {};
}

class FieldVisitor {
 public:
  using Fields = std::function<void(FieldVisitor&)>;
  virtual ~FieldVisitor() = default;

  // Scalars and lists. `help` is one line; a visitor that reads may assign the member.
  virtual void field(const char* key, bool& value, const char* help) = 0;
  virtual void field(const char* key, std::int64_t& value, const char* help, Bounds bounds = {}) = 0;
  virtual void field(const char* key, double& value, const char* help, Bounds bounds = {}) = 0;
  virtual void field(const char* key, std::string& value, const char* help) = 0;
  virtual void field(const char* key, std::optional<std::string>& value, const char* help) = 0;  // null: none
  virtual void field(const char* key, std::optional<std::int64_t>& value, const char* help,
                     Bounds bounds = {}) = 0;
  virtual void field(const char* key, std::vector<std::int64_t>& value, const char* help,
                     Bounds bounds = {}) = 0;
  virtual void field(const char* key, std::vector<double>& value, const char* help, Bounds bounds = {}) = 0;
  virtual void field(const char* key, std::array<double, 2>& value, const char* help, Bounds bounds = {}) = 0;
  virtual void field(const char* key, std::optional<double>& value, const char* help, Bounds bounds = {}) = 0;

  // A path, in which "~/" is the home folder: std::string, or std::optional of it.
  template <class Text>
  void path(const char* key, Text& value, const char* help) {
    field(key, value, help);
    if constexpr (std::is_same_v<Text, std::string>)
      value = expand_home(value);
    else if (value)
      value = expand_home(*value);
  }

  // One of a few words.
  template <class E>
  void choice(const char* key, E& value, const std::vector<std::pair<const char*, E>>& words,
              const char* help) {
    std::string word;
    std::vector<std::string> names;
    for (const auto& [name, meaning] : words) {
      names.emplace_back(name);
      if (meaning == value) word = name;
    }
    word_field(key, word, names, help);
    for (const auto& [name, meaning] : words)
      if (word == name) value = meaning;
  }

  // A struct with its own fields() below `key`.
  template <class T>
  void section(const char* key, T& value, const char* help) {
    group(
        key, [&](FieldVisitor& v) { value.fields(v); }, help);
  }

  // A struct that may be null.
  template <class T>
  void section(const char* key, std::optional<T>& value, const char* help) {
    optional_group(
        key, value.has_value(), [&](bool present) { present ? (void)value.emplace() : value.reset(); },
        [&](FieldVisitor& v) { value->fields(v); }, help);
  }

  // A family: the key `name` below `key` selects the row of `table` whose keys are legal.
  template <class Base, class Table>
  void family(const char* key, Chosen<Base>& value, const Table& table, const char* help) {
    std::vector<std::string> names;
    for (const auto& row : table) names.emplace_back(row.name);
    family_group(
        key, value.name, names, [&](const std::string& name) { value = choose<Base>(table, name); },
        [&](FieldVisitor& v) { value.config->fields(v); }, help);
  }

  // A list of structs.
  template <class T>
  void list(const char* key, std::vector<T>& value, const char* help) {
    list_group(
        key, value.size(), [&](std::size_t size) { value.assign(size, T{}); },
        [&](std::size_t i, FieldVisitor& v) { value[i].fields(v); }, help);
  }

 protected:
  virtual void word_field(const char* key, std::string& word, const std::vector<std::string>& names,
                          const char* help) = 0;
  virtual void group(const char* key, const Fields& fields, const char* help) = 0;
  virtual void optional_group(const char* key, bool present, const std::function<void(bool)>& set_present,
                              const Fields& fields, const char* help) = 0;
  virtual void family_group(const char* key, const std::string& name, const std::vector<std::string>& names,
                            const std::function<void(const std::string&)>& select, const Fields& fields,
                            const char* help) = 0;
  virtual void list_group(const char* key, std::size_t size, const std::function<void(std::size_t)>& resize,
                          const std::function<void(std::size_t, FieldVisitor&)>& fields,
                          const char* help) = 0;
};

}  // namespace smlp
