#include <CLI/CLI.hpp>
#include <iostream>

#include "command.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/data/pack.hpp"
#include "smlp/data/sources/registry.hpp"
#include "smlp/train/experiment.hpp"

namespace smlp {
namespace {

int run_pack(PackOptions options) {
  PackReport report;
  {
    ProgressBar progress("pack", 0);
    options.progress = [&](std::int64_t done) { progress.update(done, ""); };
    try {
      report = pack(options);
    } catch (const std::exception&) {
      if (stop_signal() == 0) throw;
      log().warn("stopped; nothing was packed");
      return 128 + stop_signal();
    }
  }
  std::int64_t images = 0;
  for (const PackedSplit& split : report.splits) {
    images += split.images;
    std::cout << fmt::format("{:<6} {} images, {}\n", split.name, split.images,
                             human_bytes(static_cast<double>(split.bytes)));
  }
  std::cout << fmt::format("{} classes, {}x{}, in {}: {:.1f} s, {:.0f} images/s on {} threads\n",
                           report.classes, report.image_size, report.image_size, options.to.string(),
                           report.seconds, static_cast<double>(images) / report.seconds, report.threads);
  if (report.skipped > 0) log().info("{} other files were passed over", report.skipped);
  return 0;
}

std::string source_list() {
  std::string text = "Sources:";
  for (const DataSource& source : data_sources())
    text += fmt::format("\n  {:<14} {}", source.name, source.help);
  return text + "\n\nExample: smlp pack cifar10 --from cifar-10-binary.tar.gz --to data/cifar10";
}

}  // namespace

Action add_pack_command(CLI::App& app) {
  auto o = std::make_shared<PackOptions>();
  app.add_option("SOURCE", o->source, "what the data is; see below")->required();
  app.add_option("--from", o->from, "a folder, or the archive as downloaded")->required()->type_name("PATH");
  app.add_option("--to", o->to, "the packed data set's folder")->required()->type_name("ROOT");
  app.add_option("--size", o->size, "side of the packed images, pixels; default: as they are");
  app.add_option("--resize", o->resize, "squash the whole image to a square, or crop its centre")
      ->check(CLI::IsMember({"squash", "crop"}))
      ->capture_default_str();
  app.add_option("--split", o->splits, "train or test (repeatable); default: every split found")
      ->allow_extra_args(false);
  app.footer(source_list());
  return [o] { return run_pack(*o); };
}

}  // namespace smlp
