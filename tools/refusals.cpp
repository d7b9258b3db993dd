#include "refusals.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "config_options.hpp"
#include "smlp/config/nearest.hpp"
#include "smlp/run/path_kind.hpp"
#include "smlp/train/key_words.hpp"

namespace smlp {
namespace {

// Other programs' words for commands.
constexpr std::pair<const char*, const char*> command_words[] = {
    {"tune", "finetune"},     {"fine-tune", "finetune"}, {"fine_tune", "finetune"}, {"ft", "finetune"},
    {"transfer", "finetune"}, {"fit", "train"},          {"run", "train"},          {"resume", "train"},
    {"continue", "train"},    {"pretrain", "train"},     {"test", "eval"},          {"val", "eval"},
    {"validate", "eval"},     {"evaluate", "eval"},      {"infer", "predict"},      {"inference", "predict"},
    {"classify", "predict"},  {"linear-probe", "probe"}, {"linear_probe", "probe"}, {"ls", "runs"},
    {"list", "runs"},         {"status", "runs"},        {"experiments", "runs"},   {"benchmark", "bench"},
    {"time", "bench"},        {"profile", "bench"},      {"download", "fetch"},     {"get", "fetch"},
    {"prepare", "pack"},      {"preprocess", "pack"},    {"verify", "pack"},        {"dataset", "pack"},
    {"show", "info"},         {"describe", "info"},      {"summary", "info"},       {"inspect", "info"},
    {"plot", "viz"},          {"draw", "viz"},           {"visualize", "viz"},      {"visualise", "viz"},
    {"convert", "import"},    {"load", "import"},        {"save", "export"},        {"keys", "config"},
    {"settings", "config"},
};

// The last subcommand that the words name.
const CLI::App& deepest(const CLI::App& app) {
  const auto parsed = app.get_subcommands();
  return parsed.empty() ? app : deepest(*parsed.front());
}

// "smlp bench step"
std::string full_name(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name() : full_name(*parent) + " " + app.get_name();
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* each : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(each->get_name());
  return names;
}

// " (did you mean …?)" or "", by meaning, then by spelling.
std::string meant_option(const CLI::App& app, const std::string& option) {
  const auto meant = find_meant_key(option);
  const std::string own = meant ? option_for_key(app, meant->key, meant->value) : "";
  return own.empty() ? did_you_mean(option, option_names(app)) : fmt::format(" (did you mean '{}'?)", own);
}

bool is_assignment(const std::string& word) {
  const std::size_t equals = word.find('=');
  constexpr std::string_view key = "abcdefghijklmnopqrstuvwxyz0123456789_.";
  return equals != std::string::npos && equals > 0 && word.find_first_not_of(key) == equals;
}

// What was taken for a path may be one: "stauts" of `smlp sweep stauts runs/b6`.
std::string mistyped_command(const CLI::App& app, const std::string& word,
                             const std::vector<std::string>& subcommands) {
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional() && option->count() > 0 &&
        !nearest(option->results()[0], subcommands).empty())
      return option->results()[0];
  return word;
}

std::string unexpected(const CLI::App& app, const std::string& word) {
  const std::vector<std::string> subcommands = subcommand_names(app);
  if (!subcommands.empty()) {
    const std::string meant = mistyped_command(app, word, subcommands);
    return fmt::format("'{}' is no command of {}{}; there are: {}", meant, full_name(app),
                       did_you_mean(meant, subcommands), fmt::join(subcommands, ", "));
  }
  std::string option;
  if (is_assignment(word)) option = "--set";
  if (kind_of_path(word) == PathKind::data_set) option = "--data";
  const bool taken = !option.empty() && app.get_option_no_throw(option) != nullptr;
  return fmt::format("'{}' is one word too many for {}{}", word, full_name(app),
                     taken ? fmt::format(" (did you mean '{} {}'?)", option, word) : "");
}

}  // namespace

std::string unknown_command(const std::string& word, std::span<const std::string> commands) {
  std::string meant;
  for (const auto& [other, own] : command_words)
    if (word == other && std::ranges::find(commands, own) != commands.end()) meant = own;
  return fmt::format(
      "'{}' is no command of smlp{}; there are: {}; `smlp --help` describes them", word,
      meant.empty() ? did_you_mean(word, commands) : fmt::format(" (did you mean '{}'?)", meant),
      fmt::join(commands, ", "));
}

std::string refusal(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = deepest(app);
  const std::vector<std::string> left = app.remaining(true);
  const auto option = std::ranges::find_if(
      left, [](const std::string& word) { return word.starts_with('-') && word != "-"; });
  std::string text = error.what();
  if (option != left.end()) {
    const std::string name = option->substr(0, option->find('='));
    text = fmt::format("{} is no option of {}{}", name, full_name(command), meant_option(command, name));
  } else if (!left.empty()) {
    text = unexpected(command, left.front());
  }
  return fmt::format("{}. See `{} --help`", text, full_name(command));
}

std::vector<std::string> spread_assignments(const std::vector<std::string>& words) {
  std::vector<std::string> spread;
  bool follows = false;  // after --set and its value
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (follows && is_assignment(word)) spread.emplace_back("--set");
    follows = (follows && is_assignment(word)) || word.starts_with("--set=");
    spread.push_back(word);
    if (word != "--set" || i + 1 == words.size()) continue;
    spread.push_back(words[++i]);
    follows = true;
  }
  return spread;
}

}  // namespace smlp
