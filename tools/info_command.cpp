#include <algorithm>
#include <functional>
#include <iostream>
#include <numeric>

#include "command.hpp"
#include "data_info.hpp"
#include "examples.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/device/device.hpp"
#include "smlp/models/registry.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/run/path_kind.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/saved_model.hpp"
#include "table.hpp"

namespace smlp {
namespace {

struct InfoOptions {
  std::optional<std::string> subject, sheet;
  bool system = false;
  std::int64_t classes = 1000;
  std::optional<std::int64_t> image_size;
};

// What it is and costs in all, as a training's header says it.
std::string model_line(const RunConfig& config, const std::vector<CostRow>& costs, std::size_t classes) {
  const CostRow sum = total(costs);
  return fmt::format("{} ({}) at {}x{}, {} classes, {} parameters, {} MACs an image", config.model.name,
                     config.model->sizes(), config.data.image_size, config.data.image_size, classes,
                     human_count(static_cast<double>(sum.parameters)),
                     human_count(static_cast<double>(sum.macs)));
}

void print_model(const Model& model, const std::vector<CostRow>& costs) {
  std::vector<std::vector<std::string>> tensors{{"tensor", "shape", "parameters"}};
  for (const auto& [name, shape] : parameter_shapes(model))
    tensors.push_back(
        {name, fmt::format("{}", fmt::join(shape, " × ")),
         std::to_string(std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>()))});
  const CostRow sum = total(costs);
  std::vector<std::vector<std::string>> layers{
      {"layer", "parameters", "MACs"}, {"all", std::to_string(sum.parameters), std::to_string(sum.macs)}};
  for (const CostRow& row : costs)
    layers.push_back({row.layer, std::to_string(row.parameters), std::to_string(row.macs)});
  std::cout << format_table(layers) << "\n" << format_table(tensors);
}

int print_system() {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : system_report()) rows.push_back({name, value});
  std::cout << format_table(rows);
  return 0;
}

int describe_checkpoint(const std::string& path) {
  const SavedModel saved = open_saved_model(path, false);
  const TrainingState& s = saved.state;
  std::cout << fmt::format(
      "checkpoint     {}\nmodel          {}\nstep           {}\nbest           "
      "{}\nnormalization  mean {}, std {}\n{}\n",
      saved.checkpoint.string(), model_line(saved.config, saved.costs(), s.classes.size()), s.step,
      s.best.epoch == 0 ? "none yet" : fmt::format("epoch {}, top1 {:.2f} %", s.best.epoch, s.best.top1),
      fmt::join(s.normalization.mean, " "), fmt::join(s.normalization.std, " "),
      saved.config.data.permute_pixels
          ? fmt::format("pixels         permuted by seed {}\n", *saved.config.data.permute_pixels)
          : "");
  print_model(*saved.model, saved.costs());
  return 0;
}

int describe_data(const InfoOptions& options, const std::vector<SplitSummary>& splits) {
  print_data_set(splits);
  if (options.sheet) write_sheet(splits, *options.sheet);
  return 0;
}

// A configuration's model, or that of a name.
RunConfig config_of_subject(const InfoOptions& options, bool configuration) {
  const std::string& subject = *options.subject;
  if (!configuration && !names_a_model(subject))
    fail(ErrorKind::usage, "{}: no such file or folder, and no model: {}", subject, model_names(subject));
  std::vector<ConfigNode> overrides;
  if (!configuration) overrides.push_back(make_override("model.name", subject, subject));
  if (options.image_size)
    overrides.push_back(
        make_override("data.image_size", std::to_string(*options.image_size), "--image-size"));
  return load_run_config(configuration ? std::optional(subject) : std::nullopt, std::move(overrides));
}

int describe_model(const InfoOptions& options, bool configuration) {
  const RunConfig config = config_of_subject(options, configuration);
  const int image_size = static_cast<int>(config.data.image_size),
            classes = static_cast<int>(options.classes);
  const auto model = build_model(config.model, image_size, classes);
  const std::vector<CostRow> costs = config.model->costs(image_size, classes);
  std::cout << model_line(config, costs, static_cast<std::size_t>(classes)) << "\n\n";
  print_model(*model, costs);
  return 0;
}

int describe_path(const InfoOptions& options) {
  const std::string& path = *options.subject;
  switch (kind_of_path(path)) {
    case PathKind::run:
    case PathKind::checkpoint:
    case PathKind::weights:
      return describe_checkpoint(path);
    case PathKind::configuration:
      return describe_model(options, true);
    case PathKind::nothing:
      return describe_model(options, std::ranges::count(shipped_configs(), path) > 0);
    default:
      fail(ErrorKind::data, "{}: nothing to describe: {}", path, what_is(path));
  }
}

int run_info(const InfoOptions& options) {
  if (options.system) return print_system();
  if (!options.subject)
    fail(ErrorKind::usage, "nothing to describe: name a model, a checkpoint, a data set, or give --system");
  const std::vector<SplitSummary> splits = summarize_splits(*options.subject);
  if (!splits.empty()) return describe_data(options, splits);
  if (options.sheet)
    fail(ErrorKind::data,
         "--sheet: {} is no packed data set: no dataset.json in it, nor in train/, test/, "
         "val/ or unlabeled/ below it",
         *options.subject);
  return describe_path(options);
}

}  // namespace

Action add_info_command(CLI::App& app) {
  auto o = std::make_shared<InfoOptions>();
  app.add_option(
      "SUBJECT", o->subject,
      "a model's name (b_mlp, B-12/1024), a run, a checkpoint, a file of weights, a configuration, or a "
      "packed data set");
  app.add_flag("--system", o->system, "versions, devices, instruction sets, threads, precision");
  app.add_option("--classes", o->classes, "classes of a model given by name")
      ->check(CLI::Range(2, 1 << 20))
      ->capture_default_str();
  app.add_option("--image-size", o->image_size, "its image size; default: the name's, or 64");
  app.add_option("--sheet", o->sheet, "draw images of a data set's classes, from its first split")
      ->type_name("FILE.png");
  app.footer(examples({"smlp info B-12/1024 --classes 10", "smlp info runs/b6",
                       "smlp info data/cifar10 --sheet sheet.png", "smlp info --system"}));
  return [o] { return run_info(*o); };
}

}  // namespace smlp
