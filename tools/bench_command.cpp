#include <iostream>

#include "bench_pack.hpp"
#include "command.hpp"
#include "config_options.hpp"
#include "examples.hpp"
#include "smlp/analysis/bench_roofline.hpp"
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

// TMPDIR where it is a folder.
std::string temporary_folder() {
  std::error_code error;
  const std::filesystem::path found = std::filesystem::temp_directory_path(error);
  return error ? "/tmp" : found.string();
}

struct BenchCommand {
  ConfigOptions step, roofline, optimizer, epoch, tta, loader, forward,
      structured;  // what each of them takes
  StructuredSizes sizes;
  BenchOptions options;
  PackOptions pack;
  std::string scratch = temporary_folder();
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
}

int report(const std::vector<BenchRow>& rows, bool json) {
  if (json)
    std::cout << bench_json(rows);
  else
    print_rows(rows);
  warn_of_spread(rows);
  return 0;
}

RunConfig config_of(const ConfigOptions& options) {
  return load_run_config(options.file(), options.overrides());
}

RunConfig config_with_data(const ConfigOptions& options) {
  Origins origins;
  RunConfig config = load_run_config(options.file(), options.overrides(), &origins);
  if (!origins.contains("data.root"))
    fail(ErrorKind::usage,
         "nothing to load: give --data ROOT, a packed data set, or --data shapes, the embedded one");
  return config;
}

void print_roofline(const Roofline& found) {
  const auto ms = [](double seconds) { return fmt::format("{:.3f}", 1000 * seconds); };
  std::vector<std::vector<std::string>> table{
      {"layers", "vectors", "in", "out", "forward, ms", "weight", "input", "all, ms", "GFLOP/s"}};
  for (const Products& p : found.products)
    table.push_back({std::to_string(p.layers), std::to_string(p.vectors), std::to_string(p.in),
                     std::to_string(p.out), ms(p.forward_seconds), ms(p.weight_seconds), ms(p.input_seconds),
                     ms(p.seconds()), fmt::format("{:.0f}", p.flops() / p.seconds() / 1e9)});
  const double limit = found.product_seconds() + found.byte_seconds();
  std::cout << format_table(table)
            << fmt::format(
                   "products  {} ms for {:.1f} % of the MACs\n"
                   "optimiser {} ms for {} at a copy's rate\n"
                   "limit     {} ms, {:.0f} images/s; the step reaches {}\n\n",
                   ms(found.product_seconds()), 100 * found.macs_part, ms(found.byte_seconds()),
                   human_bytes(found.bytes), ms(limit), static_cast<double>(found.step.batch_size) / limit,
                   percent(found.step.of_limit));
  print_rows({found.step});
}

int run_roofline(const BenchCommand& command) {
  const Roofline found = measure_roofline(config_of(command.roofline), command.options);
  if (command.json)
    std::cout << roofline_json(found);
  else
    print_roofline(found);
  warn_of_spread({found.step});
  return 0;
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
  warn_of_spread(rows);
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
  const auto add_repeats = [&](CLI::App& sub) {
    sub.add_option("--repeats", o->options.repeats, "measurements, of which the median counts")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    sub.add_flag("--json", o->json, "print JSON, for `smlp bench compare`");
  };
  const auto add = [&](const char* name, const char* help, ConfigOptions& config, File file,
                       std::vector<std::string> keys) {
    CLI::App* sub = app.add_subcommand(name, help);
    config.add_to(*sub, file, std::move(keys));
    sub->add_option("--classes", o->options.classes, "outputs of the model")
        ->check(CLI::Range(2, 1 << 20))
        ->capture_default_str();
    add_repeats(*sub);
    return sub;
  };
  CLI::App* step = add("step", "an optimiser step on random images: forward, backward, clipping, update",
                       o->step, File::positional,
                       {"device.", "model.", "data.image_size", "augment.mixup", "loss.", "optim.",
                        "train.batch_size", "train.micro_batch"});
  CLI::App* roofline =
      add("roofline", "a step beside its matrix products alone and the optimiser's bytes, its limit",
          o->roofline, File::positional,
          {"device.", "model.", "data.image_size", "augment.mixup", "loss.", "optim.", "train.batch_size"});
  CLI::App* optimizer = add("optimizer", "gradient norm, clipping and update alone", o->optimizer,
                            File::positional, {"device.", "model.", "data.image_size", "optim."});
  CLI::App* epoch = add(
      "epoch", "steps on the loader's batches of --data, beside step and loader alone", o->epoch,
      File::positional,
      {"device.", "model.", "data.", "augment.", "loss.", "optim.", "train.batch_size", "train.micro_batch"});
  CLI::App* tta = add("tta", "random crops of --data's test images, beside the forward pass alone", o->tta,
                      File::positional, {"device.", "model.", "data.", "augment.", "train.batch_size"});
  for (CLI::App* each : {epoch, tta}) each->remove_option(each->get_option("--classes"));
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
  CLI::App* pack = app.add_subcommand("pack", "packing a raw data set into a folder that is deleted");
  pack->add_option("SOURCE", o->pack.source, "what the data is, as `smlp pack` says")->required();
  pack->add_option("--from", o->pack.from, "a folder, or the archive as downloaded")
      ->type_name("PATH")
      ->required();
  pack->add_option("--size", o->pack.size, "side of the packed images, pixels; default: as they are");
  pack->add_flag("--fast-decode", o->pack.fast_decode, "with --size: shrink JPEGs while decoding");
  pack->add_option("--scratch", o->scratch, "where the packed set may lie meanwhile")
      ->type_name("DIR")
      ->capture_default_str();
  add_repeats(*pack);
  CLI::App* compare =
      app.add_subcommand("compare", "two outputs of --json: ratios, where the spreads allow one");
  compare->add_option("BEFORE", o->before, "a file")->required();
  compare->add_option("AFTER", o->after, "a file")->required();
  step->footer(examples({"smlp bench step --model B-2/64 -b 32 --classes 10 --precision fp32 --repeats 2"}));
  roofline->footer(examples({"smlp bench roofline --model B-2/64 -b 32 --classes 10 --repeats 2"}));
  optimizer->footer(examples({"smlp bench optimizer --model B-2/64 --set optim.clip_norm=0 --repeats 2"}));
  epoch->footer(examples({"smlp bench epoch quickstart.yaml -b 32 --repeats 2"}));
  tta->footer(examples({"smlp bench tta quickstart.yaml -b 32 --repeats 2"}));
  loader->footer(
      examples({"smlp bench loader --data data/cifar10 -b 32 --repeats 2",
                "smlp bench loader cifar10_b_mlp.yaml --data data/cifar10 --workers 2 --repeats 2"}));
  models->footer(examples({"smlp bench models B-2/64 S-2/64 -b 32 --repeats 2"}));
  structured->footer(examples({"smlp bench structured --widths 64,128 -b 16 --repeats 1"}));
  pack->footer(examples({"smlp bench pack folder --from images --size 32 --repeats 2"}));
  compare->footer(examples({"smlp bench compare before.json after.json"}));
  app.footer(examples({"smlp bench step --model B-2/64 -b 32 --repeats 2 --json > before.json",
                       "smlp bench step --model B-2/64 -b 32 --repeats 2 --json > after.json",
                       "smlp bench compare before.json after.json"}));
  return [=] {
    if (step->parsed()) return report({bench_step(config_of(o->step), o->options)}, o->json);
    if (roofline->parsed()) return run_roofline(*o);
    if (optimizer->parsed()) return report({bench_optimizer(config_of(o->optimizer), o->options)}, o->json);
    if (epoch->parsed()) return report(bench_epoch(config_with_data(o->epoch), o->options), o->json);
    if (tta->parsed()) return report(bench_tta(config_with_data(o->tta), o->options), o->json);
    if (structured->parsed()) return run_structured(*o);
    if (pack->parsed()) return report({bench_pack(o->pack, o->scratch, o->options)}, o->json);
    if (loader->parsed()) return report({bench_loader(config_with_data(o->loader), o->options)}, o->json);
    return models->parsed() ? run_models(*o) : run_compare(*o);
  };
}

}  // namespace smlp
