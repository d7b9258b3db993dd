#include "smlp/analysis/selftest.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "selftest_runs.hpp"
#include "smlp/batches/device_renderer.hpp"
#include "smlp/batches/image_batches.hpp"
#include "smlp/batches/loader.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/stopwatch.hpp"
#include "smlp/core/version.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/models/registry.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/config_files.hpp"

namespace smlp {
namespace {

constexpr const char* lion = "{name: lion, lr: 1e-3, weight_decay: 0.1}";
constexpr const char* sgd = "{name: sgd, lr: 0.05}";  // what rounding does to it stays small for long

// How far rounding alone takes each precision.
struct Bounds {
  double logits, gradient, training;
};
Bounds bounds_of(Precision precision) {
  switch (precision) {
    case Precision::bf16:
      return {0.05, 0.2, 0.05};
    case Precision::tf32:
      return {0.01, 0.05, 0.01};
    default:
      return {1e-4, 1e-3, 1e-3};
  }
}

class Selftest {
 public:
  explicit Selftest(const SelftestOptions& options) : options_(options) {
    report_.device = open(Precision::automatic).description;
    for (const Precision wanted : {Precision::fp32, Precision::tf32, Precision::automatic})
      precisions_.insert(open(wanted).precision);
  }

  SelftestReport run() {
    for (const ModelFamily& family : model_table()) check_passes(family.name);
    check_training();
    for (const Precision precision : precisions_) {
      check_repetition(precision);
      check_kernels(precision);
      check_capture(precision);
      check_resume(precision);
      check_poisoned_step(precision);
    }
    check_batches();
    check_missing_memory();
    return std::move(report_);
  }

 private:
  Device open(Precision precision, Kernels kernels = Kernels::fused, GraphUse graph = GraphUse::automatic) {
    return options_.open({.type = options_.type, .precision = precision, .kernels = kernels, .graph = graph});
  }
  bool is_wanted(const std::string& name) const { return name.find(options_.only) != std::string::npos; }
  static Device open_reference() {
    return open_device({.type = DeviceType::cpu, .precision = Precision::fp32, .kernels = Kernels::torch});
  }

  void check(const std::string& name, Precision precision, double bound,
             const std::function<double()>& difference) {
    if (!is_wanted(name)) return;
    SelftestCheck check{.name = name, .precision = precision_name(precision), .bound = bound};
    const Stopwatch watch;
    try {
      check.difference = difference();
    } catch (const Interrupted&) {
      throw;
    } catch (const std::exception& error) {
      check.problem = std::string(error.what()).substr(0, std::string(error.what()).find('\n'));
    }
    check.seconds = watch.seconds();
    options_.tell(check);
    report_.checks.push_back(std::move(check));
  }

  void check_passes(const std::string& family) {
    const std::string logits = family + ": logits", gradient = family + ": gradient";
    if (!is_wanted(logits) && !is_wanted(gradient)) return;
    // ReLU's slope jumps, and what rounding turns over in fifty layers adds up: 0.41 in bfloat16 on a CPU.
    const double jumps = family == "resnet" ? 3 : 1;
    const Passes expected = passes_of(family, open_reference());
    for (const Precision precision : precisions_) {
      const Bounds bounds = bounds_of(precision);
      std::optional<Passes> found;
      const auto get = [&]() -> const Passes& {
        return found ? *found : found.emplace(passes_of(family, open(precision)));
      };
      check(logits, precision, bounds.logits,
            [&] { return relative_distance(get().logits, expected.logits); });
      check(gradient, precision, jumps * bounds.gradient,
            [&] { return relative_distance(get().gradient, expected.gradient); });
    }
  }

  void check_training() {
    constexpr int steps = 200;
    const std::string name = "200 steps as on the CPU";
    if (!is_wanted(name)) return;
    const auto moved = [](const Device& device) {
      SmallRun run(sgd, device);
      run.train(0, steps);
      return run.moved();
    };
    const torch::Tensor expected = moved(open_reference());
    for (const Precision precision : precisions_)
      check(name, precision, bounds_of(precision).training,
            [&] { return relative_distance(moved(open(precision)), expected); });
  }

  std::vector<torch::Tensor> trained(const Device& device) {
    SmallRun run(lion, device);
    run.train(0, few_steps);
    return run.tensors();
  }

  void check_repetition(Precision precision) {
    check("the same steps twice", precision, 0, [&] {
      const std::vector<torch::Tensor> first = trained(open(precision));
      return count_different(trained(open(precision)), first);
    });
  }

  void check_kernels(Precision precision) {
    check("our kernels beside LibTorch's", precision, bounds_of(precision).training, [&] {
      SmallRun ours(sgd, open(precision));
      ours.train(0, few_steps);
      SmallRun theirs(sgd, open(precision, Kernels::torch));
      theirs.train(0, few_steps);
      return relative_distance(ours.moved(), theirs.moved());
    });
  }

  // Where the device can capture steps at all.
  void check_capture(Precision precision) {
    if (!open(precision).is_cuda()) return;
    check("captured steps beside launched ones", precision, 0, [&] {
      const std::vector<torch::Tensor> launched = trained(open(precision, Kernels::fused, GraphUse::off));
      return count_different(trained(open(precision, Kernels::fused, GraphUse::on)), launched);
    });
  }

  void check_resume(Precision precision) {
    check("stopped and resumed", precision, 0, [&] {
      const StagedDirectory scratch(fs::temp_directory_path() / "smlp-selftest");  // removed at the end
      const fs::path checkpoint = scratch.path() / "checkpoint";
      const Device device = open(precision);
      SmallRun first(lion, device), second(lion, device);
      first.train(0, few_steps / 2);
      write_checkpoint_folder(checkpoint, first.parts(), {});
      first.train(few_steps / 2, few_steps / 2);
      load_checkpoint(checkpoint, second.parts(), CheckpointPart::Needed::to_resume);
      second.train(few_steps / 2, few_steps / 2);
      return count_different(second.tensors(), first.tensors());
    });
  }

  void check_poisoned_step(Precision precision) {
    check("a step that is not finite", precision, 0, [&] {
      SmallRun run(lion, open(precision));
      run.train(0, 6);
      const std::vector<torch::Tensor> before = run.tensors();
      if (!run.take_poisoned_step(6)) fail(ErrorKind::failed, "it was taken for a good one");
      return count_different(run.tensors(), before);
    });
  }

  void check_batches() {
    const Device device = open(Precision::fp32);
    compare_batches("augmented batches", device, /*resident=*/false);
    if (renders_on(device.torch, open_dataset("shapes", "train")->image_size()))
      compare_batches("augmented batches, the images on the device", device, /*resident=*/true);
  }

  void compare_batches(const char* name, const Device& device, bool resident) {
    check(name, Precision::fp32, 0, [&] {
      constexpr std::int64_t batches = 4;
      const auto data = open_dataset("shapes", "train");
      std::vector<std::int64_t> all(200);
      for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i) * 7;
      const auto source =
          std::make_shared<TrainImages>(data, all,
                                        RenderOptions{.normalization = data->info().statistics,
                                                      .image_size = 27,
                                                      .batch_size = 37,
                                                      .resident = resident},
                                        TrainImagesOptions{.augment = AugmentConfig{}, .seed = 3});
      BatchLoader loader(source, 0, batches, 2, 2, device.torch);
      HostBuffers buffers;
      std::vector<torch::Tensor> found, expected;
      for (std::int64_t step = 0; step < batches; ++step) {
        const Batch there = loader.next(), here = source->make(step, buffers);
        for (const torch::Tensor& each : {there.images, there.labels, there.partners, there.lambda})
          found.push_back(each.to(torch::kCPU).clone());
        for (const torch::Tensor& each : {here.images, here.labels, here.partners, here.lambda})
          expected.push_back(each.clone());
      }
      return count_different(found, expected);
    });
  }

  void check_missing_memory() {
    const Device device = open(Precision::fp32);
    const auto options = torch::TensorOptions().device(device.torch);
    check("memory that is not there", Precision::fp32, 0, [&] {
      try {
        at::empty({std::int64_t{1} << 46}, options);
      } catch (const c10::Error&) {
        return at::ones({3}, options).sum().item<double>() - 3;  // the device goes on
      }
      fail(ErrorKind::failed, "256 TiB were handed out");
    });
  }

  static constexpr int few_steps = 40;
  const SelftestOptions& options_;
  std::set<Precision> precisions_;
  SelftestReport report_;
};

std::vector<BenchRow> measure(const SelftestOptions& options) {
  const bool cuda = options.open({.type = options.type}).is_cuda();
  const auto config = [&](const char* model, int batch) {
    return load_run_config(
        std::nullopt,
        {parse_override(std::string("device.type=") + (cuda ? "cuda" : "cpu")),
         make_override("model.name", model, "the self-test"),
         parse_override("train.batch_size=" + std::to_string(batch)), parse_override("optim.clip_norm=0"),
         parse_override("data.root=shapes"), parse_override("data.image_size=64")});
  };
  const BenchOptions few{.repeats = 5};
  std::vector<BenchRow> rows{bench_step(config("B-6/256", 128), few)};
  for (const int batch : {2048, 16384})
    if (cuda) rows.push_back(bench_step(config("B-12/1024", batch), few));
  rows.push_back(bench_loader(config("B-6/256", 512), few));
  return rows;
}

}  // namespace

bool SelftestReport::passed() const {
  return !checks.empty() && std::ranges::all_of(checks, &SelftestCheck::passed);
}

SelftestReport run_selftest(const SelftestOptions& options) {
  SelftestReport report = Selftest(options).run();
  if (options.rates) report.rates = measure(options);
  return report;
}

std::string selftest_json(const SelftestReport& report) {
  using Json = nlohmann::ordered_json;
  Json json{{"version", version()},
            {"revision", git_revision()},
            {"device", report.device},
            {"passed", report.passed()}};
  for (const auto& [name, value] : system_report()) json["system"][name] = value;
  json["checks"] = Json::array();
  for (const SelftestCheck& c : report.checks)
    json["checks"].push_back({{"name", c.name},
                              {"precision", c.precision},
                              {"difference", c.problem.empty() ? Json(c.difference) : Json()},
                              {"bound", c.bound},
                              {"passed", c.passed()},
                              {"problem", c.problem},
                              {"seconds", c.seconds}});
  json["rates"] = Json::parse(bench_json(report.rates));
  return json_text(json, 1) + "\n";
}

}  // namespace smlp
