#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "command.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/formats/npy.hpp"
#include "smlp/train/evaluator.hpp"
#include "smlp/train/saved_model.hpp"
#include "table.hpp"

namespace smlp {
namespace {

struct EvalOptions {
  std::string path;
  std::optional<std::string> data, logits, device, precision;
  std::int64_t batch_size = 512;
  bool best = false;
  bool json = false;
  bool force_classes = false;
};

std::vector<ConfigNode> overrides(const EvalOptions& o) {
  std::vector<ConfigNode> nodes;
  if (o.data) nodes.push_back(make_override("data.root", *o.data, "--data"));
  nodes.push_back(make_override("device.type", o.device.value_or("auto"), "--device"));
  if (o.precision) nodes.push_back(make_override("device.precision", *o.precision, "--precision"));
  return nodes;
}

void write_logits(const std::string& path, const torch::Tensor& logits) {
  NpyWriter writer(path, "<f4", {logits.size(1)});
  writer.append(logits.contiguous().const_data_ptr(), logits.size(0));
  writer.commit();
}

void print_text(const EvaluationResult& r, const SavedModel& saved, const Dataset& dataset) {
  std::cout << fmt::format(
      "checkpoint  {} (step {})\ndata        {}: {} images\ntop1        {:.2f} %\ntop5        {:.2f} %\nloss "
      "       {:.4f}\n",
      saved.checkpoint.string(), saved.state.step, dataset.description(), r.images, r.top1, r.top5, r.loss);
  constexpr std::size_t shown = 20;
  std::vector<std::size_t> order(r.class_top1.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const bool all = order.size() <= shown;
  if (!all) {
    std::erase_if(order, [&](std::size_t c) { return std::isnan(r.class_top1[c]); });
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return r.class_top1[a] < r.class_top1[b]; });
    order.resize(std::min(order.size(), shown));
  }
  std::vector<std::vector<std::string>> rows{
      {all ? "class" : fmt::format("{} weakest classes", order.size()), "top1"}};
  for (const std::size_t c : order)
    rows.push_back({dataset.info().classes[c], fmt::format("{:.2f}", r.class_top1[c])});
  std::cout << format_table(rows);
}

void print_json(const EvaluationResult& r, const SavedModel& saved, const Dataset& dataset) {
  nlohmann::ordered_json classes = nlohmann::ordered_json::array();
  for (std::size_t c = 0; c < r.class_top1.size(); ++c)
    classes.push_back({{"name", dataset.info().classes[c]},
                       {"top1", std::isnan(r.class_top1[c]) ? nlohmann::ordered_json()
                                                            : nlohmann::ordered_json(r.class_top1[c])}});
  const nlohmann::ordered_json json{{"checkpoint", saved.checkpoint.string()},
                                    {"step", saved.state.step},
                                    {"model", saved.config.model.name},
                                    {"data", dataset.description()},
                                    {"images", r.images},
                                    {"top1", r.top1},
                                    {"top1_err", 100 - r.top1},
                                    {"top5", r.top5},
                                    {"top5_err", 100 - r.top5},
                                    {"loss", r.loss},
                                    {"param_count", total(saved.model->costs()).parameters},
                                    {"img_size", saved.config.data.image_size},
                                    {"classes", classes}};
  std::cout << json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

int run_eval(const EvalOptions& options) {
  SavedModel saved = open_saved_model(options.path, options.best, overrides(options));
  const Device device = open_device(saved.config.device);
  const std::shared_ptr<const Dataset> dataset = open_dataset(saved.config.data.root, "test");
  check_classes_of_model({saved.state.classes, "the model"},
                         {dataset->info().classes, dataset->description()}, options.force_classes);
  saved.model->to(device.torch);
  const EvaluationOptions how{.image_size = static_cast<int>(saved.config.data.image_size),
                              .batch_size = options.batch_size,
                              .workers = static_cast<int>(saved.config.data.workers),
                              .prefetch = static_cast<int>(saved.config.data.prefetch),
                              .keep_logits = options.logits.has_value()};
  const auto result = evaluate(*saved.model, device, dataset, {}, saved.state.normalization, how);
  if (!result) return 128 + stop_signal();
  if (options.logits) write_logits(*options.logits, result->logits);
  options.json ? print_json(*result, saved, *dataset) : print_text(*result, saved, *dataset);
  return 0;
}

}  // namespace

Action add_eval_command(CLI::App& app) {
  auto o = std::make_shared<EvalOptions>();
  app.add_option("RUN_OR_CHECKPOINT", o->path, "a run's folder (its last checkpoint) or a checkpoint's")
      ->required();
  app.add_flag("--best", o->best, "the run's best checkpoint instead of its last");
  app.add_option("--data", o->data, "a packed data set, or one split of it; default: the run's test split")
      ->type_name("DIR");
  app.add_option("--logits", o->logits, "also write the logits, float32 [images, classes]")
      ->type_name("FILE.npy");
  app.add_option("-b,--batch-size", o->batch_size, "images per forward pass")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--device", o->device, "auto, cpu or cuda");
  app.add_option("--precision", o->precision, "auto, fp32, tf32 or bf16; default: the run's");
  app.add_flag("--force-classes", o->force_classes,
               "take labels as they are numbered where the model's class list differs");
  app.add_flag("--json", o->json, "print JSON");
  return [o] { return run_eval(*o); };
}

}  // namespace smlp
