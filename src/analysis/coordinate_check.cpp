#include "smlp/analysis/coordinate_check.hpp"

#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "smlp/core/error.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/run_batches.hpp"
#include "smlp/train/trainer.hpp"
#include "smlp/train/tta.hpp"

namespace smlp {
namespace {

// What this thread's linear layers, which LibTorch computes by addmm, give while it lives, by the address of
// their weights.
class LinearOutputs {
 public:
  LinearOutputs() {
    current() = this;
    handle_ = at::addThreadLocalCallback(
        at::RecordFunctionCallback(enter, leave).needsInputs(true).needsOutputs(true));
  }
  ~LinearOutputs() {
    at::removeCallback(handle_);
    current() = nullptr;
  }
  LinearOutputs(const LinearOutputs&) = delete;
  LinearOutputs& operator=(const LinearOutputs&) = delete;

  torch::Tensor of(const torch::Tensor& weight) const {
    const auto found = outputs_.find(weight.const_data_ptr());
    if (found == outputs_.end())
      fail(ErrorKind::usage, "the coordinate check looks at models that are made of linear layers");
    return found->second;
  }

 private:
  static LinearOutputs*& current() {
    static thread_local LinearOutputs* outputs = nullptr;
    return outputs;
  }
  static std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction& function) {
    if (std::string_view(function.name()) == "aten::addmm")
      current()->weight_ = function.inputs()[2].toTensor().const_data_ptr();
    return nullptr;
  }
  static void leave(const at::RecordFunction& function, at::ObserverContext*) {
    if (std::string_view(function.name()) != "aten::addmm") return;
    const torch::Tensor output = function.outputs().at(0).toTensor();
    current()->outputs_[current()->weight_] = output.to(torch::kCPU, torch::kFloat32);
  }

  at::CallbackHandle handle_;
  const void* weight_ = nullptr;
  std::map<const void*, torch::Tensor> outputs_;
};

// Names and weights of a model's linear layers.
std::vector<std::pair<std::string, torch::Tensor>> linear_weights(const Model& model) {
  std::vector<std::pair<std::string, torch::Tensor>> found;
  const std::string ending = ".weight";
  for (const auto& item : model.named_parameters())
    if (item.value().dim() == 2 && item.key().ends_with(ending))
      found.emplace_back(item.key().substr(0, item.key().size() - ending.size()), item.value());
  return found;
}

// The largest singular value.
double spectral_norm(const torch::Tensor& weight) {
  const torch::Tensor w = weight.to(torch::kCPU, torch::kFloat64);
  const torch::Tensor products = w.size(0) < w.size(1) ? w.mm(w.t()) : w.t().mm(w);
  return std::sqrt(at::linalg_eigvalsh(products).max().item<double>());
}

// A model's layers at one moment.
struct Snapshot {
  std::vector<torch::Tensor> outputs;
  std::vector<double> norms;
};

Snapshot look(Model& model, const torch::Tensor& images) {
  Snapshot seen;
  const bool training = model.is_training();
  model.eval();
  const torch::NoGradGuard no_grad;
  const LinearOutputs outputs;
  model.forward(images);
  for (const auto& [name, weight] : linear_weights(model)) {
    seen.outputs.push_back(outputs.of(weight));
    seen.norms.push_back(spectral_norm(weight));
  }
  model.train(training);
  return seen;
}

RunConfig of_width(const RunConfig& config, const std::string& parametrization, std::int64_t width,
                   std::int64_t base) {
  const auto set = [](const std::string& key, const std::string& value) {
    return make_override(key, value, "the coordinate check");
  };
  return parse_run_config(
      config.yaml(), "the configuration",
      {set("model.width", std::to_string(width)), set("model.parametrization", parametrization),
       set("model.base_width", std::to_string(base)), set("device.kernels", "torch"),
       set("data.resident", "off")});
}

// One training.
void check_width(RunConfig config, const std::string& parametrization, std::int64_t width,
                 const CoordinateOptions& options, std::vector<LayerCoordinates>& rows) {
  Experiment e = make_experiment(std::move(config));
  if (options.alter) std::ranges::for_each(e.trained, options.alter);
  TrainingStep step = make_step(e);
  BatchLoader loader(training_images(e), 0, options.steps, e.workers(),
                     static_cast<int>(e.config.data.prefetch), e.device.torch);
  const std::vector<std::int64_t> marks = crop_marks(options.steps);
  torch::Tensor images;
  Snapshot start;
  for (std::int64_t number = 0; number < options.steps; ++number) {
    const Batch batch = loader.next();
    if (number == 0) images = batch.images, start = look(*e.model, images);
    if (!step(batch, number, 1)) throw Interrupted("stopped by a signal");
    if (std::ranges::count(marks, number + 1) == 0) continue;
    const Snapshot now = look(*e.model, images);
    const auto weights = linear_weights(*e.model);
    for (std::size_t i = 0; i < weights.size(); ++i)
      rows.push_back({.parametrization = parametrization,
                      .width = width,
                      .step = number + 1,
                      .layer = weights[i].first,
                      .activation = now.outputs[i].abs().mean().item<double>(),
                      .change = (now.outputs[i] - start.outputs[i]).abs().mean().item<double>(),
                      .weight = now.norms[i] / start.norms[i]});
  }
}

double slope(const std::vector<std::pair<double, double>>& points) {
  double x = 0, y = 0, xx = 0, xy = 0;
  const auto n = static_cast<double>(points.size());
  for (const auto& [width, value] : points) {
    const double a = std::log(width), b = std::log(value);
    x += a, y += b, xx += a * a, xy += a * b;
  }
  return (n * xy - x * y) / (n * xx - x * x);
}

}  // namespace

std::vector<LayerCoordinates> check_coordinates(const RunConfig& config, const CoordinateOptions& options) {
  std::vector<std::int64_t> widths = options.widths;
  std::ranges::sort(widths);
  widths.erase(std::unique(widths.begin(), widths.end()), widths.end());
  if (widths.size() < 2) fail(ErrorKind::usage, "the coordinate check needs two widths or more");
  const ConfigNode keys = parse_yaml(config.yaml(), "the configuration");
  if (keys.find("model")->find("parametrization") == nullptr)
    fail(ErrorKind::usage,
         "{} has no model.parametrization, so there is no µP of it to check: it is defined for b_mlp and "
         "s_mlp",
         config.model.name);
  std::vector<LayerCoordinates> rows;
  for (const std::string& parametrization : options.parametrizations)
    for (const std::int64_t width : widths)
      check_width(of_width(config, parametrization, width, widths[0]), parametrization, width, options, rows);
  return rows;
}

std::vector<WidthSlopes> width_slopes(const std::vector<LayerCoordinates>& rows) {
  std::int64_t last = 0;
  for (const LayerCoordinates& row : rows) last = std::max(last, row.step);
  std::vector<WidthSlopes> slopes;
  for (const LayerCoordinates& of : rows) {
    const auto is_its = [&](const auto& other) {
      return other.parametrization == of.parametrization && other.layer == of.layer;
    };
    if (std::ranges::any_of(slopes, is_its)) continue;
    std::vector<std::pair<double, double>> activation, change, weight;
    for (const LayerCoordinates& row : rows) {
      if (row.step != last || !is_its(row)) continue;
      const auto width = static_cast<double>(row.width);
      activation.emplace_back(width, row.activation);
      change.emplace_back(width, row.change);
      weight.emplace_back(width, row.weight);
    }
    slopes.push_back({of.parametrization, of.layer, slope(activation), slope(change), slope(weight)});
  }
  return slopes;
}

}  // namespace smlp
