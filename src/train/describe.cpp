#include "smlp/train/describe.hpp"

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/data/sample_order.hpp"

namespace smlp {
namespace {

// "" when the order is uniform; else how far from that it is.
std::string describe_order(const Experiment& e) {
  const SampleOrder order(e.plan.images, e.window_images(), e.seed());
  if (!order.windowed()) return "";
  return fmt::format(
      "\norder      windowed, {} MiB ({} images): they move {:.1f} % as far as in a full shuffle; a window's "
      "labels "
      "differ from the set's by {:.2f} (0: as mixed as the whole, 1: classes lie apart)",
      e.config.data.window_mib, e.window_images(), 100 * order.spread(0),
      label_distance(*e.train_set, e.subset.train, e.window_images()));
}

// What becomes of an image before the model sees it.
std::string describe_input(const Experiment& e) {
  const AugmentConfig& augment = e.config.augment;
  std::vector<std::string> parts;
  if (e.config.data.image_size != e.train_set->image_size())
    parts.push_back(fmt::format("resized to {0}x{0}", e.config.data.image_size));
  if (augment.crop)
    parts.push_back(fmt::format("random crops of {:g} to {:g} % of the area", 100 * augment.crop->scale[0],
                                100 * augment.crop->scale[1]));
  if (augment.flip > 0) parts.push_back(fmt::format("flipped with probability {:g}", augment.flip));
  if (augment.mixup > 0) parts.push_back(fmt::format("MixUp {:g}", augment.mixup));
  return parts.empty() ? "as packed" : fmt::format("{}", fmt::join(parts, ", "));
}

// The rates that are not optim.lr.
std::string describe_groups(const OptimizerConfig& optim) {
  std::vector<std::string> parts;
  for (const ParameterGroupConfig& group : optim.groups)
    if (group.freeze || group.lr || group.lr_scale)
      parts.push_back(group.match + (group.freeze ? " frozen" : fmt::format(" {:g}", group.rate(optim.lr))));
  return parts.empty() ? "" : fmt::format(" ({})", fmt::join(parts, ", "));
}

// How it is trained, and for how long.
std::string describe_training(const Experiment& e) {
  const RunConfig& c = e.config;
  if (e.solves_head())
    return "method     ridge: the head in one step, the penalty chosen by leaving each training image out";
  const StepPlan& plan = e.plan;
  return fmt::format(
      "optimiser  {}, lr {:g}{}, {} (warm-up {}), batch {}{}{}\n"
      "length     {}, {}{}",
      c.optim.name, c.optim->lr, describe_groups(*c.optim.config), c.schedule.name,
      counted(c.schedule->warmup(e.schedule_span(plan)), "step"), c.train.batch_size,
      plan.micro_batch < plan.batch_size ? fmt::format(" in micro-batches of {}", plan.micro_batch) : "",
      c.loss.label_smoothing > 0 ? fmt::format(", labels smoothed by {:g}", c.loss.label_smoothing) : "",
      counted(plan.epochs, "epoch"), counted(plan.total_steps(), "step"), describe_order(e));
}

}  // namespace

std::string describe(const Experiment& e) {
  const CostRow cost = total(e.costs());
  const RunConfig& c = e.config;
  std::string data = fmt::format("{}: {} training images", e.train_set->description(), e.plan.images);
  if (!e.subset.holdout.empty()) data += fmt::format(", {} held out", e.subset.holdout.size());
  if (e.test_set) data += fmt::format(", {} test", e.test_set->size());
  return fmt::format(
      "model      {} ({}) at {}x{}, {} parameters, {} MACs an image\n"
      "data       {}, {} classes, {}x{}\n"
      "input      {}\n"
      "normalise  mean {:.4g}, std {:.4g} ({})\n"
      "{}"
      "device     {}\n"
      "precision  {}\n"
      "{}",
      c.model.name, c.model->sizes(), c.data.image_size, c.data.image_size,
      human_count(static_cast<double>(cost.parameters)), human_count(static_cast<double>(cost.macs)), data,
      e.train_set->classes(), e.train_set->image_size(), e.train_set->image_size(), describe_input(e),
      fmt::join(e.normalization.mean, " "), fmt::join(e.normalization.std, " "), e.normalization_from,
      c.data.permute_pixels
          ? fmt::format("pixels     permuted by seed {}, alike in every image\n", *c.data.permute_pixels)
          : "",
      e.device.description, precision_name(e.device.precision), describe_training(e));
}

}  // namespace smlp
