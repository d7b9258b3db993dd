#include "config_options.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

struct FlagRow {
  const char* names;  // as CLI11 takes them; the last is the one messages show
  const char* key;
  const char* help;
};

constexpr std::array flag_table{
    FlagRow{"--data", "data.root", "the packed data set"},
    FlagRow{"--model", "model.name", "model family or name, such as B-12/1024"},
    FlagRow{"--epochs", "train.epochs", "passes over the training images"},
    FlagRow{"-b,--batch-size", "train.batch_size", "images per step"},
    FlagRow{"--lr", "optim.lr", "learning rate"},
    FlagRow{"--opt", "optim.name", "optimiser"},
    FlagRow{"--weight-decay", "optim.weight_decay", "weight decay"},
    FlagRow{"--smoothing", "loss.label_smoothing", "label smoothing"},
    FlagRow{"--mixup", "augment.mixup", "MixUp's alpha; 0: off"},
    FlagRow{"--seed", "run.seed", "decides every random choice"},
    FlagRow{"--device", "device.type", "auto, cpu or cuda"},
    FlagRow{"--precision", "device.precision", "auto, fp32, tf32 or bf16"},
    FlagRow{"--workers", "data.workers", "threads that render batches"},
    FlagRow{"--name", "run.name", "name of the run"},
    FlagRow{"--output", "run.output", "where run folders are made"},
};

std::string shown_name(const FlagRow& row) {
  const std::string names = row.names;
  return names.substr(names.find("--"));
}

}  // namespace

void ConfigOptions::add_to(CLI::App& app, File file, std::vector<std::string> keys) {
  keys_ = std::move(keys);
  if (file != File::none)
    app.add_option(
           file == File::positional ? "CONFIG,--config" : "--config", file_,
           "configuration: a path, the name of a shipped one, or a run or checkpoint, whose own it is")
        ->type_name("FILE");
  app.add_option("--set", assignments_, "set any key (see `smlp config keys`); several may follow")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  for (const FlagRow& row : flag_table)
    if (means_something(row.key))
      app.add_option(row.names, flags_[shown_name(row)], row.help)->type_name(row.key)->group("Common keys");
}

bool ConfigOptions::means_something(const std::string& key) const {
  return keys_.empty() || std::ranges::any_of(keys_, [&](const std::string& each) {
           return each.back() == '.' ? key.starts_with(each) : key == each;
         });
}

void ConfigOptions::set(const std::string& key, const std::string& value, const std::string& origin) {
  set_.push_back(make_override(key, value, origin));
}

std::vector<ConfigNode> ConfigOptions::overrides() const {
  std::vector<ConfigNode> nodes;
  for (const FlagRow& row : flag_table) {
    const auto flag = flags_.find(shown_name(row));
    if (flag != flags_.end() && flag->second)
      nodes.push_back(
          make_override(row.key, *flag->second, fmt::format("{} {}", shown_name(row), *flag->second)));
  }
  nodes.insert(nodes.end(), set_.begin(), set_.end());
  for (const std::string& assignment : assignments_) {
    nodes.push_back(parse_override(assignment));
    if (!means_something(assignment.substr(0, assignment.find('='))))
      fail(ErrorKind::usage, "--set {}: it means nothing to this command, whose keys are {}", assignment,
           fmt::join(keys_, ", "));
  }
  return nodes;
}

std::string option_for_key(const CLI::App& app, const std::string& key, const std::string& value) {
  for (const FlagRow& row : flag_table)
    if (row.key == key && app.get_option_no_throw(shown_name(row)) != nullptr)
      return value.empty() ? shown_name(row) : fmt::format("{} {}", shown_name(row), value);
  const bool takes_any_key =
      app.get_option_no_throw("--set") != nullptr && app.get_option_no_throw("--epochs") != nullptr;
  return takes_any_key ? fmt::format("--set {}={}", key, value.empty() ? "…" : value) : "";
}

}  // namespace smlp
