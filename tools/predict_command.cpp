#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <optional>

#include "command.hpp"
#include "crop_options.hpp"
#include "examples.hpp"
#include "predict_output.hpp"
#include "replaceable.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/threads.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/formats/npy.hpp"
#include "smlp/train/saved_model.hpp"

namespace smlp {
namespace {

struct PredictCommand {
  std::string path;
  std::vector<std::string> images;
  std::optional<std::string> list, features, resize, device, precision;
  CropOptions tta;
  std::int64_t top = 5;
  std::int64_t batch_size = 128;
  std::int64_t workers = -1;
  bool best = false;
  bool csv = false;
  bool json = false;
};

std::vector<ConfigNode> overrides(const PredictCommand& o) {
  std::vector<ConfigNode> nodes{make_override("device.type", o.device.value_or("auto"), "--device")};
  if (o.precision) nodes.push_back(make_override("device.precision", *o.precision, "--precision"));
  return nodes;
}

// Of a checkpoint that does not say it: what its pack says, if that is still there.
ImagePreparation preparation_of_pack(const SavedModel& saved) {
  try {
    const auto pack = open_dataset(saved.config.data.root, "train");
    const DatasetInfo& info = pack->info();
    if (pack->fingerprint() == saved.state.data_fingerprint)
      return {info.image_size, info.resize, info.decode};
  } catch (const Error&) {
    // The pack is gone, or is another's.
  }
  return {};
}

ImagePreparation preparation_of(const SavedModel& saved, const std::optional<std::string>& resize) {
  ImagePreparation found = saved.state.preparation;
  if (found.size == 0) found = preparation_of_pack(saved);
  if (found.size == 0) {
    found = {static_cast<int>(saved.config.data.image_size), "squash", "accurate"};
    if (!resize)
      log().warn(
          "{} does not say how its images were resized: files are squashed to {}x{}; --resize crop scales "
          "the "
          "short side and cuts the centre",
          saved.checkpoint.string(), found.size, found.size);
  }
  if (resize) found.resize = *resize;
  return found;
}

std::shared_ptr<GivenImages> given_images(const PredictCommand& o, const SavedModel& saved) {
  const auto images = std::make_shared<GivenImages>(preparation_of(saved, o.resize));
  for (const std::string& path : o.images) images->add(path);
  if (o.list) images->add_list(*o.list);
  if (images->size() == 0)
    fail(ErrorKind::usage,
         "no images: name files, folders, a packed data set, - for standard input, or --list FILE");
  return images;
}

// Rows of features, written as they come; the file appears with commit().
class FeatureFile {
 public:
  explicit FeatureFile(std::optional<std::string> path) : path_(std::move(path)) {
    if (!path_) return;
    check_array("--features", *path_);
    const AtomicFile can_be_made(*path_);
  }
  void append(const std::vector<float>& rows, std::int64_t count) {
    if (!path_) return;
    if (!writer_) writer_.emplace(*path_, "<f4", std::vector{std::ssize(rows) / count});
    writer_->append(rows.data(), count);
  }
  void commit() {
    if (writer_) writer_->commit();
  }

 private:
  std::optional<std::string> path_;
  std::optional<NpyWriter> writer_;
};

PredictOptions predict_options(const PredictCommand& o, const SavedModel& saved) {
  PredictOptions how{
      .normalization = saved.normalization(),
      .image_size = static_cast<int>(saved.config.data.image_size),
      .batch_size = o.batch_size,
      .workers = static_cast<int>(o.workers >= 0 ? o.workers : std::min(available_cores(), 16)),
      .top = o.top,
      .keep_features = o.features.has_value(),
      .permute_pixels = saved.config.data.permute_pixels};
  if (o.tta.crops > 0) how.tta = tta_options(saved, o.tta, false);
  return how;
}

std::int64_t count_not_finite(const PredictedBatch& batch) {
  const std::size_t top = batch.predictions.probabilities.size() / batch.errors.size();
  std::int64_t count = 0;
  for (std::size_t i = 0; i < batch.errors.size(); ++i)
    count += batch.errors[i].empty() && !std::isfinite(batch.predictions.probabilities[i * top]) ? 1 : 0;
  return count;
}

int run_predict(const PredictCommand& o) {
  SavedModel saved = open_saved_model(o.path, o.best, overrides(o));
  const auto images = given_images(o, saved);
  FeatureFile features(o.features);
  const Device device = open_device(saved.config.device);
  saved.to(device);
  const PredictOptions how = predict_options(o, saved);
  const PredictFormat format = o.csv    ? PredictFormat::csv
                               : o.json ? PredictFormat::json
                                        : PredictFormat::text;
  PredictOutput output(std::cout, format, saved.state.classes, static_cast<std::size_t>(o.top));
  std::optional<ProgressBar> progress;  // where the lines do not go to the terminal themselves
  if (::isatty(STDOUT_FILENO) == 0) progress.emplace("images", images->size());
  std::int64_t broken = 0, not_finite = 0;
  const bool done = predict(*saved.model, device, images, how, [&](const PredictedBatch& batch) {
    for (const std::string& error : batch.errors)
      if (!error.empty()) log().warn("{}", error), ++broken;
    not_finite += count_not_finite(batch);
    output.print(batch, *images);
    features.append(batch.features, std::ssize(batch.errors));
    if (progress) progress->update(batch.first + std::ssize(batch.errors), "");
  });
  if (!done) return 128 + stop_signal();
  features.commit();
  if (not_finite > 0)
    fail(ErrorKind::not_finite, "{} of {} images have logits that are not finite: are the model's weights?",
         not_finite, images->size());
  if (broken > 0)
    fail(ErrorKind::data, "{} of {} images could not be read; the warnings name them", broken,
         images->size());
  return 0;
}

}  // namespace

Action add_predict_command(CLI::App& app) {
  auto o = std::make_shared<PredictCommand>();
  app.add_option("RUN_OR_CHECKPOINT", o->path, "a run's folder (its last checkpoint) or a checkpoint's")
      ->required();
  app.add_option("IMAGE", o->images,
                 "JPEG, PNG, WebP, BMP and GIF files, folders of them, a packed data set, or - for one image "
                 "from standard input");
  app.add_option("--list", o->list, "a file with a path a line; - for standard input")->type_name("FILE|-");
  app.add_flag("--best", o->best, "the run's best checkpoint instead of its last");
  app.add_option("--top", o->top, "how many of the likeliest classes")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  auto* const csv = app.add_flag("--csv", o->csv, "print CSV: name, class and probability of each of them");
  app.add_flag("--json", o->json, "print a JSON object a line")->excludes(csv);
  add_crop_options(app, o->tta, "average over N random crops and flips of each image");
  app.add_option("--features", o->features,
                 "also write what the head sees, float32 [images, width], in the images' order")
      ->type_name("FILE.npy")
      ->excludes("--tta");
  app.add_option("--resize", o->resize,
                 "how files become squares; default: as the model's training images did")
      ->check(CLI::IsMember({"squash", "crop"}));
  app.add_option("-b,--batch-size", o->batch_size, "images per forward pass")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--workers", o->workers, "threads that decode and resize; -1: one a core, up to 16")
      ->check(CLI::Range(-1, 256))
      ->capture_default_str();
  app.add_option("--device", o->device, "auto, cpu or cuda");
  app.add_option("--precision", o->precision, "auto, fp32, tf32 or bf16; default: the run's");
  app.footer(examples({"smlp predict runs/b6 photos/ cat.jpg --top 3"}));
  return [o] { return run_predict(*o); };
}

}  // namespace smlp
