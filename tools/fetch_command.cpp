#include <CLI/CLI.hpp>
#include <iostream>

#include "command.hpp"
#include "examples.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/pack/fetch.hpp"

namespace smlp {
namespace {

constexpr int mebibyte_bits = 20;

int run_fetch(const std::string& name, FetchOptions options) {
  const RemoteFile& file = find_remote_file(name);
  FetchReport report;
  {
    ProgressBar progress("fetch " + file.name, static_cast<std::int64_t>(file.bytes >> mebibyte_bits));
    options.progress = [&](std::uint64_t bytes) {
      progress.update(static_cast<std::int64_t>(bytes >> mebibyte_bits), "(MiB)");
    };
    try {
      report = fetch(file, options);
    } catch (const std::exception&) {
      if (stop_signal() == 0) throw;
      log().warn("stopped; the same command goes on from here");
      return 128 + stop_signal();
    }
  }
  std::cout << fmt::format("{}: {} bytes, size and MD5 as expected{}\n", report.path.string(), file.bytes,
                           report.was_there ? "; it was there already" : "");
  std::cout << fmt::format("next: smlp pack {} --from {} --to {}\n", file.name, report.path.string(),
                           (options.to / file.name).lexically_normal().string());
  return 0;
}

std::string file_list() {
  std::string text = "Data sets:";
  for (const RemoteFile& file : remote_files())
    text += fmt::format("\n  {:<14} {:>5} MiB  {}{}", file.name, file.bytes >> mebibyte_bits, file.url,
                        file.file);
  return text + "\n\nA download that was broken off goes on where it stopped. Size and MD5 are checked.";
}

}  // namespace

Action add_fetch_command(CLI::App& app) {
  struct Options {
    std::string name;
    FetchOptions fetch;
  };
  auto o = std::make_shared<Options>();
  app.add_option("DATASET", o->name, "which; see below")->required();
  app.add_option("--to", o->fetch.to, "the folder it is put in")->type_name("DIR")->capture_default_str();
  app.add_option("--from", o->fetch.mirror, "a mirror: the URL of a folder that has the file")
      ->type_name("URL");
  app.footer(examples({"smlp fetch cifar10 --to downloads"}, file_list()));
  return [o] { return run_fetch(o->name, o->fetch); };
}

}  // namespace smlp
