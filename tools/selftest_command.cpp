#include <iostream>

#include "command.hpp"
#include "examples.hpp"
#include "smlp/analysis/selftest.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

struct SelftestCommand {
  std::string device = "auto";
  std::string only;
  bool json = false, no_rates = false;
};

void print_check(const SelftestCheck& c) {
  const std::string found = !c.problem.empty() ? printable(c.problem)
                            : c.bound == 0     ? (c.difference == 0 ? "the same bits" : "other bits")
                                               : fmt::format("{:.1e} of {:.0e}", c.difference, c.bound);
  std::cout << fmt::format("{:<6}  {:<38}  {:<4}  {}\n", c.passed() ? "ok" : "FAILED", c.name, c.precision,
                           found)
            << std::flush;
}

void print_rates(const SelftestReport& report) {
  for (const BenchRow& r : report.rates)
    std::cout << fmt::format("rate    {:<38}  {:<4}  {:.0f} images/s\n",
                             fmt::format("{} {}, batch {}", r.kind, r.model, r.batch_size), r.precision,
                             r.images_per_s);
  if (report.rates.empty()) return;
  const MachineRates& machine = report.rates.front().machine;
  std::cout << fmt::format("rate    {:<38}  {:<4}  {:.0f} GFLOP/s; a copy {:.1f} GB/s\n", "matrix products",
                           report.rates.front().precision, machine.matrix_flops / 1e9,
                           machine.copy_bytes / 1e9);
}

int run_selftest_command(const SelftestCommand& command) {
  SelftestOptions options{.type = command.device == "cuda"  ? DeviceType::cuda
                                  : command.device == "cpu" ? DeviceType::cpu
                                                            : DeviceType::automatic,
                          .only = command.only,
                          .rates = !command.no_rates && command.only.empty()};
  if (!command.json) options.tell = print_check;
  const SelftestReport report = run_selftest(options);
  if (report.checks.empty()) fail(ErrorKind::usage, "no check has \"{}\" in its name", command.only);
  const auto failures =
      std::ranges::count_if(report.checks, [](const SelftestCheck& c) { return !c.passed(); });
  if (command.json) {
    std::cout << selftest_json(report);
  } else {
    print_rates(report);
    std::cout << fmt::format("{}: {}\n", report.device,
                             failures == 0
                                 ? fmt::format("all {} checks passed", report.checks.size())
                                 : fmt::format("{} of {} checks FAILED", failures, report.checks.size()));
  }
  return report.passed() ? 0 : static_cast<int>(ErrorKind::failed);
}

}  // namespace

Action add_selftest_command(CLI::App& app) {
  auto o = std::make_shared<SelftestCommand>();
  app.add_option("--device", o->device, "auto, cpu or cuda")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  app.add_option("--only", o->only, "checks whose name contains this, and no measurements")
      ->type_name("TEXT");
  app.add_flag("--no-rates", o->no_rates, "leave out the measurements");
  app.add_flag("--json", o->json, "print a file to attach to a report");
  app.footer(examples(
      {"smlp selftest --only b_mlp", "smlp selftest --device cpu --only steps --json > selftest.json"},
      "Every family's passes and gradients and 200 steps of training, in each precision of "
      "the device, against\n"
      "LibTorch's own operations on the CPU in float32; then what must be the same bits: the "
      "same steps twice,\n"
      "captured and launched, stopped and resumed, the batches. A number beside \"of\" is a "
      "relative difference\n"
      "and its bound. Exit code 1 when a check failed."));
  return [o] { return run_selftest_command(*o); };
}

}  // namespace smlp
