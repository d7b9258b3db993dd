#include <iostream>

#include "command.hpp"
#include "config_options.hpp"
#include "examples.hpp"
#include "smlp/analysis/bench_structured.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"
#include "smlp/models/registry.hpp"
#include "smlp/train/config_files.hpp"
#include "table.hpp"

namespace smlp {
namespace {

struct BenchCommand {
  ConfigOptions step, loader, forward, structured;  // what each of them takes
  StructuredSizes sizes;
  BenchOptions options;
  std::vector<std::string> models;
  std::string before, after;
  bool json = false;
};

std::string percent(double part) {
  return fmt::format("{:.0f} %", 100 * part);
}

void warn_of_spread(const std::vector<BenchRow>& rows) {
  for (const BenchRow& row : rows)
    if (row.spread > largest_spread)
      log().warn("{} {}: the repeats spread over {}: nothing to compare; is the machine in use?", row.kind,
                 row.model, percent(row.spread));
}

void print_rows(const std::vector<BenchRow>& rows) {
  std::vector<std::vector<std::string>> table{{"what", "model", "precision", "threads", "batch", "parameters",
                                               "MACs", "ms", "images/s", "spread", "of limit", "memory",
                                               "on device"}};
  for (const BenchRow& r : rows)
    table.push_back({r.kind, r.model, r.precision, std::to_string(r.threads), std::to_string(r.batch_size),
                     r.parameters == 0 ? "" : human_count(static_cast<double>(r.parameters)),
                     r.macs == 0 ? "" : human_count(static_cast<double>(r.macs)),
                     fmt::format("{:.2f}", 1000 * r.batch_seconds), fmt::format("{:.0f}", r.images_per_s),
                     percent(r.spread), r.of_limit == 0 ? "" : percent(r.of_limit),
                     human_bytes(static_cast<double>(r.memory)),
                     r.device_memory == 0 ? "" : human_bytes(static_cast<double>(r.device_memory))});
  std::cout << format_table(table);
  const MachineRates& machine = rows.back().machine;
  if (machine.matrix_flops > 0)
    std::cout << fmt::format("machine  {}: matrix products {:.0f} GFLOP/s, a copy {:.1f} GB/s\n",
                             rows.back().processor, machine.matrix_flops / 1e9, machine.copy_bytes / 1e9);
  warn_of_spread(rows);
}

int report(const std::vector<BenchRow>& rows, bool json) {
  if (json)
    std::cout << bench_json(rows);
  else
    print_rows(rows);
  return 0;
}

BenchRow run_step(const BenchCommand& command) {
  return bench_step(load_run_config(command.step.file(), command.step.overrides()), command.options);
}

BenchRow run_loader(const BenchCommand& command) {
  Origins origins;
  const RunConfig config = load_run_config(command.loader.file(), command.loader.overrides(), &origins);
  if (!origins.contains("data.root"))
    fail(ErrorKind::usage,
         "nothing to load: give --data ROOT, a packed data set, or --data shapes, the embedded one");
  return bench_loader(config, command.options);
}

int run_models(const BenchCommand& command) {
  std::vector<std::string> names = command.models;
  if (names.empty())
    for (const ModelFamily& family : model_table()) names.emplace_back(family.name);
  std::vector<BenchRow> rows;
  for (const std::string& name : names) {
    std::vector<ConfigNode> overrides = command.forward.overrides();
    overrides.push_back(make_override("model.name", name, name));
    rows.push_back(
        bench_forward(load_run_config(command.forward.file(), std::move(overrides)), command.options));
  }
  return report(rows, command.json);
}

// How often a dense layer takes the time, and from which width on it takes more.
void print_structured(const std::vector<BenchRow>& rows) {
  std::vector<std::vector<std::string>> table{
      {"structure", "width", "batch", "parameters", "MACs", "ms", "spread", "dense takes"}};
  for (const BenchRow& r : rows)
    table.push_back({r.model, std::to_string(r.classes), std::to_string(r.batch_size),
                     human_count(static_cast<double>(r.parameters)), human_count(static_cast<double>(r.macs)),
                     fmt::format("{:.3f}", 1000 * r.batch_seconds), percent(r.spread),
                     fmt::format("{:.2f} x", times_as_fast_as_dense(r, rows))});
  std::cout << format_table(table) << '\n';
  std::vector<std::vector<std::string>> faster{{"structure", "batch", "faster than dense"}};
  for (const Crossover& each : crossovers(rows))
    faster.push_back({each.structure, std::to_string(each.batch_size),
                      each.width ? fmt::format("from width {}", *each.width) : "no"});
  std::cout << format_table(faster);
  warn_of_spread(rows);
}

int run_structured(const BenchCommand& command) {
  const RunConfig config = load_run_config(command.structured.file(), command.structured.overrides());
  BenchOptions options = command.options;
  options.repeat_seconds = 0.02;  // there are many layers, and a pass through one is short
  const std::vector<BenchRow> rows = bench_structured(config.device, command.sizes, options);
  if (command.json)
    std::cout << structured_json(rows);
  else
    print_structured(rows);
  return 0;
}

std::vector<BenchRow> read_rows(const std::string& file) {
  return parse_bench_json(read_file(file, std::uint64_t{16} << 20), file);
}

int run_compare(const BenchCommand& command) {
  std::vector<std::vector<std::string>> table{
      {"what", "model", "precision", "batch", "before", "after", "ratio", "spreads", "verdict"}};
  for (const Comparison& c : compare_benchmarks(read_rows(command.before), read_rows(command.after)))
    table.push_back({c.before.kind, c.before.model, c.before.precision, std::to_string(c.before.batch_size),
                     fmt::format("{:.0f}", c.before.images_per_s),
                     fmt::format("{:.0f}", c.after.images_per_s), fmt::format("{:.3f}", c.ratio),
                     fmt::format("{}, {}", percent(c.before.spread), percent(c.after.spread)), c.verdict});
  std::cout << format_table(table);
  return 0;
}

}  // namespace

Action add_bench_command(CLI::App& app) {
  auto o = std::make_shared<BenchCommand>();
  app.require_subcommand(1);
  using File = ConfigOptions::File;
  const auto add = [&](const char* name, const char* help, ConfigOptions& config, File file,
                       std::vector<std::string> keys) {
    CLI::App* sub = app.add_subcommand(name, help);
    config.add_to(*sub, file, std::move(keys));
    sub->add_option("--classes", o->options.classes, "outputs of the model")
        ->check(CLI::Range(2, 1 << 20))
        ->capture_default_str();
    sub->add_option("--repeats", o->options.repeats, "measurements, of which the median counts")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    sub->add_flag("--json", o->json, "print JSON, for `smlp bench compare`");
    return sub;
  };
  CLI::App* step = add("step", "an optimiser step on random images: forward, backward, clipping, update",
                       o->step, File::positional,
                       {"device.", "model.", "data.image_size", "augment.mixup", "loss.", "optim.",
                        "train.batch_size", "train.micro_batch"});
  CLI::App* loader = add("loader", "the loader alone: images of --data, rendered and augmented", o->loader,
                         File::positional, {"device.", "data.", "augment.", "train.batch_size"});
  CLI::App* models = add("models", "forward passes of models, side by side", o->forward, File::option,
                         {"device.", "model.", "data.image_size", "train.batch_size"});
  models->add_option("MODEL", o->models, "families or names such as B-12/1024; default: every family");
  CLI::App* structured = add("structured", "linear layers of every structure of sparse_mlp beside dense ones",
                             o->structured, File::none, {"device."});
  structured->remove_option(structured->get_option("--classes"));
  structured->add_option("--widths", o->sizes.widths, "values in and out of the layers")
      ->delimiter(',')
      ->check(CLI::Range(64, 65536))
      ->capture_default_str();
  structured->add_option("-b,--batches", o->sizes.batches, "vectors at a time")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  CLI::App* compare =
      app.add_subcommand("compare", "two outputs of --json: ratios, where the spreads allow one");
  compare->add_option("BEFORE", o->before, "a file")->required();
  compare->add_option("AFTER", o->after, "a file")->required();
  step->footer(examples({"smlp bench step --model B-2/64 -b 32 --classes 10 --precision fp32 --repeats 2"}));
  loader->footer(
      examples({"smlp bench loader --data data/cifar10 -b 32 --repeats 2",
                "smlp bench loader cifar10_b_mlp.yaml --data data/cifar10 --workers 2 --repeats 2"}));
  models->footer(examples({"smlp bench models B-2/64 S-2/64 -b 32 --repeats 2"}));
  structured->footer(examples({"smlp bench structured --widths 64,128 -b 16 --repeats 1"}));
  compare->footer(examples({"smlp bench compare before.json after.json"}));
  app.footer(examples({"smlp bench step --model B-2/64 -b 32 --repeats 2 --json > before.json",
                       "smlp bench step --model B-2/64 -b 32 --repeats 2 --json > after.json",
                       "smlp bench compare before.json after.json"}));
  return [=] {
    if (step->parsed()) return report({run_step(*o)}, o->json);
    if (structured->parsed()) return run_structured(*o);
    if (loader->parsed()) return report({run_loader(*o)}, o->json);
    return models->parsed() ? run_models(*o) : run_compare(*o);
  };
}

}  // namespace smlp
