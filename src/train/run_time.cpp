#include "smlp/train/run_time.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/stopwatch.hpp"
#include "smlp/core/text.hpp"
#include "smlp/train/run_batches.hpp"
#include "smlp/train/trainer.hpp"

namespace smlp {
namespace {

constexpr double seconds_measured = 1;
constexpr std::int64_t most_steps = 20, first_batch = 32, growth = 8, first_evaluation = 256;
constexpr std::int64_t endless = 1'000'000;  // steps; the loader renders a few ahead

struct Pace {
  std::int64_t batch = 0, steps = 0;  // measured
  double seconds = 0;                 // of them

  double image() const { return seconds / static_cast<double>(batch * steps); }
};

[[noreturn]] void stopped() {
  throw Interrupted("stopped by a signal while measuring: nothing was written");
}

// Steps until a second is over, after some that only warm up; the device is waited for before and after.
Pace pace_of(TrainingStep& step, std::int64_t batch, bool on_cuda, const std::function<Batch()>& next) {
  torch::Tensor loss;
  std::int64_t number = 0;
  const auto take = [&] {
    const auto sums = step(next(), number++, 1);
    if (!sums) stopped();
    loss = sums->loss;
  };
  // On CUDA the fourth step is captured.
  for (const std::int64_t warm = on_cuda ? 5 : 1; number < warm;) take();
  const auto wait = [&] { return loss.item<double>(); };
  wait();
  const Stopwatch time;
  Pace pace{.batch = batch};
  for (; pace.steps == 0 || (pace.steps < most_steps && time.seconds() < seconds_measured); ++pace.steps)
    take();
  wait();
  pace.seconds = time.seconds();
  return pace;
}

// Steps with batches of this many images; with `features` the head's alone, over the features of one batch.
Pace measure_batch(Experiment& e, std::int64_t batch, bool features) {
  const StepPlan whole = e.plan;
  e.plan.batch_size = batch;
  e.plan.micro_batch = std::min(whole.micro_batch, batch);
  RunBatches batches(e, "");
  TrainingStep step = make_step(e);
  BatchLoader loader(batches.training(), 0, endless, e.workers(), static_cast<int>(e.config.data.prefetch),
                     e.device.torch, step.image_type());
  e.plan = whole;
  if (!features) return pace_of(step, batch, e.device.is_cuda(), [&] { return loader.next(); });
  Batch of_features = loader.next();
  {
    const torch::NoGradGuard no_grad;
    const AutocastScope autocast(e.device);
    of_features.images = e.model->features(of_features.images).to(torch::kFloat32);
  }
  return pace_of(step, batch, e.device.is_cuda(), [&] { return of_features; });
}

Pace measure_training(Experiment& e) {
  const bool features = e.keeps_features();
  const bool cached = std::exchange(e.config.data.cache_features, false);  // no file is written
  Pace pace;
  for (std::int64_t batch = std::min(first_batch, e.plan.batch_size); batch > pace.batch;) {
    pace = measure_batch(e, batch, features);
    const auto affordable = static_cast<std::int64_t>(seconds_measured / pace.image());
    batch = std::min({e.plan.batch_size, growth * pace.batch, affordable});
  }
  e.config.data.cache_features = cached;
  return pace;
}

Pace measure_evaluation(const Experiment& e, std::int64_t images) {
  std::vector<std::int64_t> some(static_cast<std::size_t>(images));
  std::iota(some.begin(), some.end(), 0);
  const EvaluationOptions options{.image_size = e.image_size(),
                                  .batch_size = std::min<std::int64_t>(e.plan.micro_batch, 256),
                                  .workers = e.workers(),
                                  .permute_pixels = e.config.data.permute_pixels};
  const auto pass = [&] {
    if (!evaluate(*e.model, e.device, e.train_set, some, e.normalization, options)) stopped();
  };
  pass();  // what is done once alone would be most of a small model's time
  const Stopwatch time;
  pass();
  return {.batch = images, .steps = 1, .seconds = time.seconds()};
}

// Of the first images of the training set, whole, as an evaluation and a frozen body's features take them:
// as many as half a second allows, for what begins and ends a pass is most of a small model's few images.
Pace measure_evaluation(const Experiment& e) {
  Pace pace;
  for (std::int64_t images = std::min(first_evaluation, e.train_set->size()); images > pace.batch;) {
    pace = measure_evaluation(e, images);
    const auto affordable = static_cast<std::int64_t>(seconds_measured / 2 / pace.image());
    images = std::min({e.train_set->size(), growth * pace.batch, affordable});
  }
  return pace;
}

// Images of all evaluations, or those whose features are computed once, which evaluations then use.
double images_seen_whole(const Experiment& e) {
  double images = 0;
  if (e.test_set) images += static_cast<double>(e.test_set->size());
  images += static_cast<double>(e.subset.holdout.size());
  if (e.keeps_features()) return images + static_cast<double>(e.plan.images);
  const std::int64_t every = e.config.train.eval_every, epochs = e.plan.epochs;
  return images * static_cast<double>(every == 0 ? 1 : (epochs + every - 1) / every);
}

std::string batch_text(const Pace& pace, const Experiment& e) {
  return fmt::format(
      "{} of {} images{}", counted(pace.steps, "step"), pace.batch,
      pace.batch < e.plan.batch_size ? fmt::format(", the run's are {}", e.plan.batch_size) : "");
}

double seconds_of_steps(const Experiment& e, const RunPace& pace) {
  return static_cast<double>(e.plan.total_steps() * e.plan.batch_size) * pace.trained;
}

double seconds_of_evaluations(const Experiment& e, const RunPace& pace) {
  return images_seen_whole(e) * pace.evaluated;
}

}  // namespace

RunPace measure_pace(Experiment& e) {
  const Pace whole = measure_evaluation(e);
  RunPace found{.evaluated = whole.image(), .measured = fmt::format("{} images", whole.batch)};
  if (e.solves_head()) return found;
  const Pace pace = measure_training(e);
  found.trained = pace.image();
  found.measured = fmt::format("{}, {} evaluated", batch_text(pace, e), found.measured);
  return found;
}

double seconds_of_run(const Experiment& e, const RunPace& pace) {
  return seconds_of_steps(e, pace) + seconds_of_evaluations(e, pace);
}

std::string describe_run_time(const Experiment& e, const RunPace& pace) {
  const std::string evaluations = human_time(seconds_of_evaluations(e, pace)),
                    measured = fmt::format("measured: {}; {}", pace.measured, e.device.description);
  if (e.solves_head())
    return fmt::format("time       {} here for the features ({}); solving for the head is not counted",
                       evaluations, measured);
  return fmt::format("time       {} here: {} of steps, {} of {} ({})", human_time(seconds_of_run(e, pace)),
                     human_time(seconds_of_steps(e, pace)), evaluations,
                     e.keeps_features() ? "features" : "evaluations", measured);
}

}  // namespace smlp
