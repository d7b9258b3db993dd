#include <iostream>

#include "command.hpp"
#include "config_options.hpp"
#include "examples.hpp"
#include "smlp/core/error.hpp"
#include "smlp/train/config_files.hpp"
#include "table.hpp"

namespace smlp {
namespace {

int show(const std::string& file, const ConfigOptions& options) {
  Origins origins;
  const RunConfig config = load_run_config(file, options.overrides(), &origins);
  std::cout << config.yaml(&origins);
  return 0;
}

int list(const std::optional<std::string>& model, const ConfigOptions& options) {
  std::vector<ConfigNode> overrides = options.overrides();
  if (model) overrides.push_back(make_override("model.name", *model, *model));
  RunConfig config = load_run_config(std::nullopt, std::move(overrides));
  std::vector<std::vector<std::string>> rows{{"key", "default", "type", "meaning"}};
  for (const KeyRow& row : list_keys([&](FieldVisitor& v) { config.fields(v); }))
    if (row.type != "section") rows.push_back({row.path, row.value, row.type + row.bounds, row.help});
  std::cout << format_table(rows);
  return 0;
}

}  // namespace

Action add_config_command(CLI::App& app) {
  struct Options {
    ConfigOptions config;
    std::string file;
    std::optional<std::string> model;
  };
  auto options = std::make_shared<Options>();
  app.require_subcommand(1);
  CLI::App* show_app =
      app.add_subcommand("show", "print a configuration as it resolves, with where each value was said");
  show_app
      ->add_option("FILE", options->file,
                   "a path, the name of a shipped configuration, or a run or checkpoint, whose own it is")
      ->required();
  options->config.add_to(*show_app, ConfigOptions::File::none);
  CLI::App* keys_app =
      app.add_subcommand("keys", "print every key with its type, default, bounds and meaning");
  keys_app->add_option("MODEL", options->model, "the model family whose keys to list");
  options->config.add_to(*keys_app, ConfigOptions::File::none);
  keys_app->footer(
      examples({"smlp config keys", "smlp config keys s_mlp --opt sgd --set schedule.name=cosine"}));
  show_app->footer(examples({"smlp config show quickstart.yaml --epochs 3", "smlp config show runs/b6"}));
  app.footer(examples({"smlp config show quickstart.yaml", "smlp config keys"}));
  return [options, show_app] {
    return show_app->parsed() ? show(options->file, options->config) : list(options->model, options->config);
  };
}

}  // namespace smlp
