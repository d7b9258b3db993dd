#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <optional>

#include "command.hpp"
#include "examples.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/pack/fetch.hpp"

namespace smlp {
namespace {

constexpr int mebibyte_bits = 20;

int run_fetch(const std::string& name, FetchOptions options) {
  const RemoteFile& file = find_remote_file(name);
  if (std::error_code none;
      std::filesystem::exists(options.to, none) && !std::filesystem::is_directory(options.to, none))
    fail(ErrorKind::usage, "--to {}: it is no folder, and archives are put into one", options.to.string());
  FetchReport report;
  {
    std::optional<ProgressBar> progress;
    options.progress = [&](std::uint64_t bytes, std::uint64_t total) {
      if (!progress)
        progress.emplace("fetch " + file.name, static_cast<std::int64_t>(total >> mebibyte_bits));
      progress->update(static_cast<std::int64_t>(bytes >> mebibyte_bits), "(MiB)");
    };
    report = fetch(file, options);
  }
  std::cout << fmt::format(
      "{}: {} bytes, {}{}\n", report.path.string(), std::filesystem::file_size(report.path),
      report.first
          ? fmt::format("MD5 {}, which {}.md5 keeps for later downloads", report.md5, report.path.string())
          : "MD5 as expected",
      report.was_there ? "; it was there already" : "");
  const bool weights = file.kind == RemoteFile::Kind::weights;
  std::cout << fmt::format("next: smlp {} {}{} --to {}\n", weights ? "import" : "pack",
                           weights ? "" : file.name + " --from ", report.path.string(),
                           (options.to / file.name).lexically_normal().string());
  return 0;
}

std::string file_list() {
  std::string sets, weights;
  for (const RemoteFile& file : remote_files())
    if (file.kind == RemoteFile::Kind::data_set)
      sets += fmt::format("\n  {:<14} {:>5} MiB  {}", file.name, file.bytes >> mebibyte_bits, file.url);
    else
      weights += "\n  " + file.name;
  return fmt::format(
      "Data sets:{}\n\nWeights of \"Scaling MLPs\", from their authors' page, which states no licence:{}\n\n"
      "A download that was broken off goes on where it stopped. Size and MD5 are checked; the weights' are "
      "not\n"
      "published: the first download's MD5 is kept in FILE.md5, and later ones must have it.",
      sets, weights);
}

}  // namespace

Action add_fetch_command(CLI::App& app) {
  struct Options {
    std::string name;
    FetchOptions fetch;
  };
  auto o = std::make_shared<Options>();
  app.add_option("NAME", o->name, "a data set or weights; see below")->required();
  app.add_option("--to", o->fetch.to, "the folder it is put in")->type_name("DIR")->capture_default_str();
  app.add_option("--from", o->fetch.mirror, "a mirror: the URL of a folder that has the file")
      ->type_name("URL");
  app.footer(examples({"smlp fetch cifar10 --to downloads"}, file_list()));
  return [o] { return run_fetch(o->name, o->fetch); };
}

}  // namespace smlp
