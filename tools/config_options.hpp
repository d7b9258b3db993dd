#pragma once
#include <CLI/CLI.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "smlp/train/run_config.hpp"

namespace smlp {

// The options that decide a configuration: a file, --set, and a flag for each common key.
class ConfigOptions {
 public:
  enum class File { none, option, positional };  // no file; --config FILE; or FILE alone too

  // `keys`: the keys, and with a dot at their end the sections, that mean something to the command; others
  // are refused. Empty: all.
  void add_to(CLI::App& app, File file, std::vector<std::string> keys = {});

  // As if the command line had said so.
  void set(const std::string& key, const std::string& value, const std::string& origin);

  const std::optional<std::string>& file() const { return file_; }
  std::vector<ConfigNode> overrides() const;  // what the command line says, checked for form and place

 private:
  bool means_something(const std::string& key) const;

  std::optional<std::string> file_;
  std::vector<std::string> keys_;
  std::vector<std::string> assignments_;
  std::vector<ConfigNode> set_;
  std::map<std::string, std::optional<std::string>> flags_;  // "--epochs" → its text
};

// What a command's option for a key is, such as "--epochs", or "--set data.image_size=…" where the command
// has only that; "": it takes no such key. `value`: to be said with it, or "".
std::string option_for_key(const CLI::App& app, const std::string& key, const std::string& value);

}  // namespace smlp
