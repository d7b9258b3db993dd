#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>
#include <sstream>

#include "command.hpp"
#include "examples.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"
#include "smlp/pack/pack.hpp"
#include "smlp/pack/sources/registry.hpp"
#include "smlp/pack/verify.hpp"

namespace smlp {
namespace {

struct PackCommand {
  PackOptions pack;
  std::string verify;  // a pack's root; empty: pack
};

void print_report(const PackReport& report, const PackOptions& options) {
  std::int64_t images = -report.continued;
  for (const PackedSplit& split : report.splits) {
    images += split.images;
    std::cout << fmt::format("{:<6} {} images, {}\n", split.name, split.images,
                             human_bytes(static_cast<double>(split.bytes)));
  }
  std::cout << fmt::format("{} classes, {}x{}, in {}: {:.1f} s, {:.0f} images/s on {} threads\n",
                           report.classes, report.image_size, report.image_size, options.to.string(),
                           report.seconds, static_cast<double>(images) / report.seconds, report.threads);
  if (report.continued > 0)
    std::cout << fmt::format("packed before the interruption: {}\n", report.continued);
  if (report.left_out > 0)
    std::cout << fmt::format("left out, for they could not be decoded: {}; dataset.json lists them\n",
                             report.left_out);
  if (report.skipped > 0) log().info("{} other files were passed over", report.skipped);
}

int run_pack(PackOptions options) {
  if (options.source.empty() || options.from.empty() || options.to.empty())
    fail(ErrorKind::usage, "SOURCE, --from and --to are required, or --verify ROOT. See `smlp pack --help`");
  PackReport report;
  {
    ProgressBar progress("pack", 0);
    options.progress = [&](std::int64_t done) { progress.update(done, ""); };
    report = pack(options);
  }
  print_report(report, options);
  return 0;
}

int run_verify(const std::string& root) {
  VerifyReport report;
  {
    std::optional<ProgressBar> progress;
    report = verify_pack(root, [&](std::uint64_t done, std::uint64_t total) {
      if (!progress) progress.emplace("verify", static_cast<std::int64_t>(total >> 20));
      progress->update(static_cast<std::int64_t>(done >> 20), "MiB");
    });
  }
  for (const VerifiedSplit& split : report.splits)
    std::cout << fmt::format("{:<6} {} images, {} classes, {}: as packed{}{}\n", split.name, split.images,
                             split.classes, human_bytes(static_cast<double>(split.bytes)),
                             split.real_labels ? ", with ReaL labels" : "",
                             split.labels_hashed ? "" : " (labels: only their range was checked)");
  if (report.unfinished) log().warn("{}: an unfinished pack lies in .packing", root);
  return 0;
}

void refuse_others(const CLI::App& app, const std::string& option) {
  for (const CLI::Option* each : app.get_options())
    if (each->count() > 0 && each->get_name() != option)
      fail(ErrorKind::usage, "{} stands alone, {} was given too", option, each->get_name());
}

// Words in lines of at most 100 columns, all but the first behind `indent` blanks.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::istringstream words(text);
  std::string lines, word;
  for (std::size_t column = indent; words >> word; column += word.size() + 1) {
    if (column > indent && column + word.size() > 100) {
      lines += "\n" + std::string(indent, ' ');
      column = indent;
    }
    lines += (column > indent ? " " : "") + word;
  }
  return lines;
}

std::string source_list() {
  constexpr std::size_t indent = 17;
  std::string text = "Sources:";
  for (const DataSource& source : data_sources()) {
    text += fmt::format("\n  {:<14} {}", source.name, wrapped(source.help, indent));
    for (const std::string& line :
         {std::string(source.page), *source.options != '\0' ? fmt::format("takes {}", source.options) : ""})
      if (!line.empty()) text += "\n" + std::string(indent, ' ') + line;
  }
  return text;
}

void add_source_options(CLI::App& app, SourceOptions& options) {
  const auto add = [&](const SourceOption& row, auto& value) {
    if constexpr (std::is_same_v<decltype(value), bool&>)
      return app.add_flag(row.flag, value, row.help);
    else
      return app.add_option(row.flag, value, row.help)->type_name(row.value);
  };
  for (const SourceOption& row : source_option_table)
    std::visit([&](auto member) { add(row, options.*member)->group("Options of some sources"); }, row.member);
}

}  // namespace

Action add_pack_command(CLI::App& app) {
  auto o = std::make_shared<PackCommand>();
  PackOptions& pack = o->pack;
  app.add_option("SOURCE", pack.source, "what the data is; see below");
  app.add_option("--from", pack.from, "a folder, or the archive as downloaded")->type_name("PATH");
  app.add_option("--to", pack.to, "the packed data set's folder")->type_name("ROOT");
  app.add_option("--size", pack.size, "side of the packed images, pixels; default: as they are");
  app.add_option("--resize", pack.resize, "squash the whole image to a square, or crop its centre")
      ->check(CLI::IsMember({"squash", "crop"}))
      ->capture_default_str();
  app.add_option("--split", pack.splits, "train, test, val or unlabeled (repeatable); default: all found")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_flag("--fast-decode", pack.fast_decode,
               "with --size: shrink JPEGs while decoding: faster, other pixels");
  app.add_option("--skip-bad", pack.skip_bad, "leave out up to N images that cannot be decoded")
      ->type_name("N");
  app.add_flag("--continue", pack.resume, "go on from what an interrupted pack left in ROOT");
  add_source_options(app, pack.source_options);
  app.add_option("--verify", o->verify, "check a packed data set: hashes, labels, names, class lists")
      ->type_name("ROOT");
  app.footer(examples(
      {"smlp pack cifar10 --from cifar-10-binary.tar.gz --to data/cifar10",
       "smlp pack folder --from images --to data/images --size 32", "smlp pack --verify data/cifar10"},
      source_list()));
  return [o, &app] {
    if (app.count("--verify") == 0) return run_pack(o->pack);
    refuse_others(app, "--verify");
    return run_verify(o->verify);
  };
}

}  // namespace smlp
