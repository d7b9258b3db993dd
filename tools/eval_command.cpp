#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>

#include "command.hpp"
#include "crop_options.hpp"
#include "eval_output.hpp"
#include "examples.hpp"
#include "replaceable.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/standard_output.hpp"
#include "smlp/core/text_output.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/run/path_kind.hpp"
#include "smlp/train/resolve.hpp"

namespace smlp {
namespace {

constexpr const char* real_of_pack = "the pack's";

struct EvalOptions {
  std::string path;
  std::optional<std::string> data, logits, predictions, confusion, device, precision, workers;
  std::vector<std::string> assignments;
  std::string real;  // a file, or real_of_pack
  CropOptions tta;
  std::int64_t shifts = 0;  // pixels; 0: none
  std::int64_t batch_size = 512;
  bool best = false;
  bool json = false;
  bool force_classes = false;
};

bool sets(const EvalOptions& o, const char* beginning) {
  return std::ranges::any_of(o.assignments,
                             [&](const std::string& each) { return each.starts_with(beginning); });
}

std::vector<ConfigNode> overrides(const EvalOptions& o) {
  std::vector<ConfigNode> nodes;
  if (o.data) nodes.push_back(make_override("data.root", *o.data, "--data"));
  if (o.device || !sets(o, "device.type="))
    nodes.push_back(make_override("device.type", o.device.value_or("auto"), "--device"));
  nodes.push_back(make_override("data.workers", o.workers.value_or("-1"), "--workers"));
  if (o.precision) nodes.push_back(make_override("device.precision", *o.precision, "--precision"));
  for (const std::string& assignment : o.assignments) nodes.push_back(parse_override(assignment));
  return nodes;
}

// Without a precision of its own an evaluation computes in the run's.
DeviceConfig device_of(const RunConfig& config, const EvalOptions& options) {
  DeviceConfig device = config.device;
  if (config.resolved && !options.precision && !sets(options, "device.precision="))
    device.precision = as_resolved(device, *config.resolved).precision;
  return device;
}

// What would change nothing is refused.
void check_assignments(const std::vector<std::string>& assignments) {
  constexpr std::array sections{"augment.", "data.mean", "data.prefetch", "data.resident",
                                "data.std", "device.",   "model.",        "run.seed"};
  for (const std::string& each : assignments)
    if (std::ranges::none_of(sections, [&](const char* section) { return each.starts_with(section); }))
      fail(ErrorKind::usage, "--set {}: not a key of an evaluation, which are {} and the other options' own",
           each, fmt::join(sections, ", "));
}

// One name for each place.
fs::path output_place(const std::string& path) {
  if (is_standard_output(path)) return "-";
  return is_stream(path) ? fs::path(path) : fs::weakly_canonical(fs::absolute(path));
}

// Where nothing could be written, or one file over another, that is said before hours of evaluation.
void check_outputs(const EvalOptions& options) {
  if (options.logits) check_array("--logits", *options.logits);
  if (options.predictions) check_replaceable(*options.predictions, predictions_start);
  if (options.confusion) check_replaceable(*options.confusion, confusion_start);
  if (options.logits) const AtomicFile can_be_made(*options.logits);
  std::vector<fs::path> places;
  for (const auto& path : {options.logits, options.predictions, options.confusion}) {
    if (!path) continue;
    if (path != options.logits) TextOutput::check(*path);
    places.push_back(output_place(*path));
    if (std::ranges::count(places, places.back()) > 1)
      fail(ErrorKind::usage, "{} is named for two outputs", *path);
  }
}

// The report goes elsewhere when standard output is a table's.
std::ostream& report_stream(const EvalOptions& options) {
  for (const auto& path : {options.predictions, options.confusion})
    if (path && is_standard_output(*path)) return std::cerr;
  return std::cout;
}

std::optional<RealLabels> real_labels(const EvalOptions& options, const Dataset& dataset) {
  if (options.real.empty()) return std::nullopt;
  const std::filesystem::path file = options.real == real_of_pack
                                         ? std::filesystem::path(dataset.description()) / "real_labels.json"
                                         : std::filesystem::path(options.real);
  if (!std::filesystem::exists(file))
    fail(ErrorKind::data, "{}: there is no such file{}", file.string(),
         options.real == real_of_pack
             ? "; pack the images with --real-labels, or name a list with --real-labels=FILE"
             : "");
  return read_real_labels(file, dataset.size(), dataset.classes());
}

void write_outputs(const EvalReport& report, const EvalOptions& options, const SavedModel& saved,
                   const Dataset& dataset) {
  const EvaluationResult& result = report.outputs();
  if (const bool any = options.logits || options.predictions || options.confusion;
      any && report.tta.crops > 0)
    log().info("the files hold what the average over {} crops says, not the whole images", report.tta.crops);
  if (options.logits) write_logits(*options.logits, result.logits, std::ssize(saved.state.classes));
  if (options.predictions) write_predictions(*options.predictions, result.predictions, dataset, saved);
  if (options.confusion) write_confusion(*options.confusion, result.predictions, dataset, saved);
}

SavedModel open_model(const EvalOptions& options) {
  SavedModel saved = open_saved_model(options.path, options.best, overrides(options));
  const DataConfig& data = saved.config.data;
  if (data.root.empty())
    fail(ErrorKind::usage, "{}: it does not say what it was trained on: give --data ROOT, a packed data set",
         options.path);
  if (options.shifts > 0) check_shifts(options.shifts, static_cast<int>(data.image_size));
  refuse_other_data(data.root);
  return saved;
}

EvaluationOptions evaluation_options(const EvalOptions& options, const DataConfig& data, const Device& device,
                                     const RealLabels* real) {
  return {.image_size = static_cast<int>(data.image_size),
          .batch_size = options.batch_size,
          .workers = static_cast<int>(resolve_workers(data, device)),
          .prefetch = static_cast<int>(data.prefetch),
          .real = real,
          .permute_pixels = data.permute_pixels,
          .resident = data.resident};
}

// False: a signal ended it.
bool measure(EvalReport& report, const SavedModel& saved, const Device& device,
             const std::shared_ptr<const Dataset>& dataset, const EvalOptions& options,
             EvaluationOptions how) {
  const ChannelStatistics normalization = saved.normalization();
  const auto keep = [&](bool wanted) {
    how.keep_logits = wanted && options.logits;
    how.keep_predictions = wanted && (options.predictions || options.confusion);
  };
  const auto take = [](auto result, auto& member) {
    if (result) member = std::move(*result);
    return result.has_value();
  };
  const bool crops = options.tta.crops > 0;
  keep(!crops);
  if (!take(evaluate(*saved.model, device, dataset, {}, normalization, how), report.whole)) return false;
  keep(crops);
  if (crops &&
      !take(evaluate_crops(*saved.model, device, dataset, normalization, how, report.tta), report.crops))
    return false;
  keep(false);
  return options.shifts == 0 ||
         take(evaluate_shifts(*saved.model, device, dataset, normalization, how, options.shifts),
              report.shifts);
}

int run_eval(const EvalOptions& options) {
  check_assignments(options.assignments);
  check_outputs(options);
  SavedModel saved = open_model(options);
  const Device device = open_device(device_of(saved.config, options));
  const std::shared_ptr<const Dataset> dataset = open_dataset(saved.config.data.root, "test");
  check_classes_of_model({saved.state.classes, "the model"},
                         {dataset->info().classes, dataset->description()}, options.force_classes);
  saved.to(device);
  const std::optional<RealLabels> real = real_labels(options, *dataset);
  EvalReport report{.precision = precision_name(device.precision)};
  if (options.tta.crops > 0) report.tta = tta_options(saved, options.tta, sets(options, "augment."));
  if (!measure(report, saved, device, dataset, options,
               evaluation_options(options, saved.config.data, device, real ? &*real : nullptr)))
    return 128 + stop_signal();
  std::ostream& out = report_stream(options);
  options.json ? print_json(out, report, saved, *dataset) : print_text(out, report, saved, *dataset);
  out << std::flush;
  write_outputs(report, options, saved, *dataset);
  if (!std::isfinite(report.whole.loss))
    fail(ErrorKind::not_finite, "{}: its loss on {} is {}", saved.checkpoint.string(), dataset->description(),
         report.whole.loss);
  return 0;
}

}  // namespace

Action add_eval_command(CLI::App& app) {
  auto o = std::make_shared<EvalOptions>();
  app.add_option("RUN_OR_CHECKPOINT", o->path,
                 "a run (its last checkpoint), a checkpoint, an export's folder, or a file of weights")
      ->required();
  app.add_flag("--best", o->best, "the run's best checkpoint instead of its last");
  app.add_option("--data", o->data, "a packed data set, or one split of it; default: the run's test split")
      ->type_name("DIR");
  add_crop_options(app, o->tta,
                   "also tta_top1, …: averaged over N random crops and flips of each image; --predictions, "
                   "--confusion and --logits are then of these averages");
  app.add_option(
         "--shifts", o->shifts,
         "also how often the prediction stays, and top1, when the image moves by 1 to N pixels left, right, "
         "up or down, padded with zeros, and cropped from an image resized to be larger")
      ->check(CLI::Range(1, max_image_size))
      ->type_name("N");
  // A flag, so that only "=" gives it a value and a path that follows stays what it is.
  app.add_flag(fmt::format("--real-labels{{{}}}", real_of_pack), o->real,
               "also ReaL's accuracy: by the pack's labels, or --real-labels=FILE");
  app.add_option("--predictions", o->predictions,
                 "write name, label and the five likeliest classes of each image")
      ->type_name("FILE.csv|-");
  app.add_option("--confusion", o->confusion, "write how often each label was taken for which class")
      ->type_name("FILE.csv|-");
  app.add_option("--set", o->assignments,
                 "change a key of the run, such as augment.crop.scale=[0.4,1.0] (repeatable)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--logits", o->logits, "also write the logits, float32 [images, classes]")
      ->type_name("FILE.npy");
  app.add_option("-b,--batch-size", o->batch_size, "images per forward pass")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--workers", o->workers, "threads that render batches");
  app.add_option("--device", o->device, "auto, cpu or cuda");
  app.add_option("--precision", o->precision, "auto, fp32, tf32 or bf16; default: the run's");
  app.add_flag("--force-classes", o->force_classes,
               "take labels as they are numbered where the model's class list differs");
  app.add_flag("--json", o->json, "print JSON");
  app.footer(examples({"smlp eval runs/b6 --best", "smlp eval runs/b6 --data data/cifar10 --json",
                       "smlp eval runs/b6 --tta 4 --set augment.crop.scale=[0.4,1.0] augment.flip=0.5",
                       "smlp eval runs/b6 --shifts 4",
                       "smlp eval runs/b6 --predictions predictions.csv --confusion confusion.csv"}));
  return [o] { return run_eval(*o); };
}

}  // namespace smlp
