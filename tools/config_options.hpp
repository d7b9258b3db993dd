#pragma once
#include <CLI/CLI.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "smlp/train/run_config.hpp"

namespace smlp {

// The options that decide a configuration: --config, --set, and a flag for each common key.
class ConfigOptions {
 public:
  // `with_file`: also --config FILE.
  void add_to(CLI::App& app, bool with_file);

  // As if the command line had said so.
  void set(const std::string& key, const std::string& value, const std::string& origin);

  const std::optional<std::string>& file() const { return file_; }
  std::vector<ConfigNode> overrides() const;  // what the command line says, checked for form

 private:
  std::optional<std::string> file_;
  std::vector<std::string> assignments_;
  std::vector<ConfigNode> set_;
  std::map<std::string, std::optional<std::string>> flags_;  // "--epochs" → its text
};

}  // namespace smlp
