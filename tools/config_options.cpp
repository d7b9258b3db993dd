#include "config_options.hpp"

#include <spdlog/fmt/fmt.h>

#include <array>

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

void ConfigOptions::add_to(CLI::App& app, bool with_file) {
  if (with_file)
    app.add_option("--config", file_, "configuration: a path, or the name of a shipped one")
        ->type_name("FILE");
  app.add_option("--set", assignments_, "set any key (repeatable; see `smlp config keys`)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  for (const FlagRow& row : flag_table)
    app.add_option(row.names, flags_[shown_name(row)], row.help)->type_name(row.key)->group("Common keys");
}

void ConfigOptions::set(const std::string& key, const std::string& value, const std::string& origin) {
  set_.push_back(make_override(key, value, origin));
}

std::vector<ConfigNode> ConfigOptions::overrides() const {
  std::vector<ConfigNode> nodes;
  for (const FlagRow& row : flag_table) {
    const std::optional<std::string>& value = flags_.at(shown_name(row));
    if (value) nodes.push_back(make_override(row.key, *value, fmt::format("{} {}", shown_name(row), *value)));
  }
  nodes.insert(nodes.end(), set_.begin(), set_.end());
  for (const std::string& assignment : assignments_) nodes.push_back(parse_override(assignment));
  return nodes;
}

}  // namespace smlp
