#include "smlp/train/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/device/memory.hpp"
#include "smlp/train/ridge.hpp"

namespace smlp {

TrainingStep make_step(const Experiment& e) {
  const RunConfig& c = e.config;
  return {e.model,
          c.optim->build(e.trained),
          e.device,
          {.label_smoothing = c.loss.label_smoothing,
           .clip_norm = c.optim->clip_norm,
           .micro_batch = e.plan.micro_batch,
           .seed = e.seed(),
           .ema = c.train.ema,
           .skip_zscore = c.train.skip_zscore},
          e.world};
}

Trainer::Trainer(Experiment& experiment, const std::filesystem::path& run,
                 const std::optional<std::filesystem::path>& checkpoint)
    : experiment_(experiment),
      plan_(experiment.plan),
      span_(experiment.schedule_span(plan_)),
      step_(make_step(experiment)),
      record_(experiment, run, step_.parts(), checkpoint),
      state_(record_.state()),
      batches_(experiment, run / "features"),
      sums_(experiment.device.torch),
      divergence_(experiment.train_set->classes()),
      training_time_(state_.train_seconds),
      taken_seconds_(state_.train_seconds) {
  sums_.restore_run(state_.bad_run);
}

bool Trainer::prepare() {
  if (!batches_.prepare()) return false;
  if (experiment_.solves_head()) return true;
  const DataConfig& data = experiment_.config.data;
  training_ = batches_.training();
  loader_ = std::make_unique<BatchLoader>(training_, state_.step, plan_.total_steps(), experiment_.workers(),
                                          static_cast<int>(data.prefetch), experiment_.device.torch,
                                          step_.image_type());
  return true;
}

TrainResult Trainer::run() {
  const bool started = prepare();
  progress_ = std::make_unique<ProgressBar>("train", plan_.total_steps());
  bool going = started && (!state_.evaluation_due || evaluate_epoch());
  while (going && state_.step < plan_.total_steps() && !out_of_patience()) {
    const std::int64_t before = state_.step;
    going = train_step() && after_step(before);
  }
  progress_.reset();
  loader_.reset();
  save();
  record_.finish();
  const Part part = experiment_.test_set ? Part::test : Part::holdout;
  if (going && !last_) {  // a finished run resumed: its log is complete
    last_ = batches_.evaluate(part);
    going = last_.has_value();
  }
  if (going && !std::isfinite(last_->loss))
    fail(ErrorKind::not_finite, "{}: trained and saved, but its loss on the {} images is {}",
         record_.folder().string(), part == Part::test ? "test" : "held-out", last_->loss);
  return {going,
          state_.step < plan_.total_steps() && out_of_patience(),
          state_.step,
          last_,
          state_.best,
          anonymous_memory_peak(),
          device_memory_peak(experiment_.device.torch)};
}

bool Trainer::train_step() {
  if (experiment_.solves_head()) return solve_head();
  const Batch batch = loader_->next();
  wait_seconds_ += batch.data_seconds;
  const double factor = experiment_.config.schedule->factor(state_.step, span_);
  const std::optional<StepSums> sums = step_(batch, state_.step, factor);
  if (!sums) return false;
  sums_.add(*sums);
  ++state_.step;
  return true;
}

bool Trainer::solve_head() {
  const std::optional<RidgeChoice> choice = fit_ridge_head(experiment_, *batches_.features());
  if (!choice) return false;
  const auto fit = batches_.evaluate(Part::train);
  if (!fit) return false;
  log().info("ridge      penalty {:.3g}: top1 {:.2f}% on the training images, each left out in turn",
             choice->penalty, choice->left_out_top1);
  const auto images = static_cast<double>(fit->images);
  sums_.add({.loss = torch::tensor(fit->loss * images),
             .right = torch::tensor(fit->top1 / 100 * images),
             .bad = torch::tensor(0.0),
             .skipped = {},
             .grad_norm = torch::tensor(std::numeric_limits<double>::quiet_NaN()),
             .images = fit->images});
  ++state_.step;
  return true;
}

// Logging, evaluation and checkpoints that fall due; false when a stop signal came in between.
bool Trainer::after_step(std::int64_t step_before) {
  const TrainConfig& train = experiment_.config.train;
  const std::int64_t epochs_before = plan_.epochs_at(step_before), epochs = plan_.epochs_at(state_.step);
  const bool ended = state_.step == plan_.total_steps();

  if (epochs > epochs_before) experiment_.train_set->check_files();
  if (state_.step % train.log_every == 0 || state_.step == 1 || ended) log_step();
  progress_->update(state_.step, progress_text_);
  state_.evaluation_due =
      ended || (train.eval_every > 0 && epochs / train.eval_every > epochs_before / train.eval_every);
  if (state_.evaluation_due && !evaluate_epoch()) return false;
  if (record_.save_due(step_before)) save();
  return true;
}

bool Trainer::out_of_patience() const {
  const std::int64_t patience = experiment_.config.train.patience;
  return patience > 0 && state_.evaluations_since_best >= patience;
}

void Trainer::take_sums() {
  RunningSums::Reading reading = sums_.take();
  const double trained = training_time_.seconds();
  reading.totals.seconds = trained - std::exchange(taken_seconds_, trained);
  reading.totals.wait = std::exchange(wait_seconds_, 0);
  state_.log_totals += reading.totals;
  state_.epoch_totals += reading.totals;
  write_unapplied(reading.unapplied);
  if (reading.bad_run >= experiment_.config.train.max_bad_steps)
    fail(ErrorKind::not_finite,
         "the loss or the gradient was not finite in {} steps in a row, up to step {}; none of them was "
         "applied, and {} is as it was before. Lower optim.lr, or look at the data",
         reading.bad_run, state_.step, (record_.folder() / "checkpoints").string());
}

void Trainer::write_unapplied(const std::vector<RunningSums::Reading::Unapplied>& steps) {
  if (steps.empty()) return;
  constexpr std::size_t named = 5;
  std::string text;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& [ago, loss, norm] = steps[i];
    const std::int64_t step = state_.step - ago;
    record_.write(UnappliedStep{step, loss, norm, training_->images_of(step - 1)});
    if (i < named)
      text += fmt::format("{}{} (loss {:.4g}, gradient norm {:.4g})", i > 0 ? ", " : "", step, loss, norm);
  }
  if (steps.size() > named) text += fmt::format(" and {} more", steps.size() - named);
  log().warn("not applied: step {}; their images are listed in unapplied_steps.jsonl", text);
}

double Trainer::lr_at(std::int64_t step) const {
  if (experiment_.solves_head()) return 0;
  return experiment_.rate_at(std::max<std::int64_t>(step - 1, 0), plan_);
}

void Trainer::log_step() {
  take_sums();
  anonymous_memory_peak();
  const TrainTotals& totals = state_.log_totals;
  const double rate = totals.images_per_s(plan_.batch_size), wait = 100 * totals.wait / totals.seconds;
  const double lr = lr_at(state_.step);
  MetricRow row{"train",
                state_.step,
                plan_.epoch_at(state_.step),
                {{"loss", totals.mean_loss()},
                 {"top1", totals.top1()},
                 {"lr", lr},
                 {"grad_norm", totals.mean_grad_norm()},
                 {"bad_steps", totals.bad},
                 {"images_per_s", rate},
                 {"data_wait", wait}}};
  if (experiment_.config.train.skip_zscore > 0) row.values.emplace_back("skipped_steps", totals.skipped);
  record_.write(row);
  progress_text_ = fmt::format("loss {:.4f}  top1 {:.1f}%  lr {:.3g}  {:.0f} images/s  wait {:.0f}%",
                               totals.mean_loss(), totals.top1(), lr, rate, wait);
  if (divergence_.add(totals.mean_loss()))
    log().warn(
        "step {}: the training diverges: its loss is {:.4g} and does not fall, where guessing among {} "
        "classes "
        "costs {:.3g}. Stop it and lower optim.lr, or add a warm-up",
        state_.step, totals.mean_loss(), experiment_.train_set->classes(), divergence_.chance());
  state_.log_totals = {};
}

// Of the weights as they are; nullopt when a stop signal came in between.
std::optional<Trainer::PartResults> Trainer::evaluate_parts() {
  PartResults results;
  if (experiment_.images_of(Part::holdout).dataset && !(results.held = batches_.evaluate(Part::holdout)))
    return std::nullopt;
  if (experiment_.test_set && !(results.test = batches_.evaluate(Part::test))) return std::nullopt;
  return results;
}

// Evaluates, writes the epoch's line, and remembers the best; false when a stop signal came in between.
bool Trainer::evaluate_epoch() {
  state_.evaluation_due = true;
  take_sums();  // waits for the device: its steps are not the evaluation's time
  const Stopwatch::Pause pause(training_time_);
  const std::optional<PartResults> now = evaluate_parts();
  if (!now) return false;
  std::optional<PartResults> averaged;
  if (const AveragedWeights* averages = step_.averages()) {
    const LentValues lent = averages->in_place();
    if (!(averaged = evaluate_parts())) return false;
  }
  last_ = now->last();
  write_evaluation(*now, averaged);
  log_epoch(*now, averaged);
  if (const double loss = state_.epoch_totals.mean_loss();
      state_.step == plan_.total_steps() && divergence_.ends_unnoticed())
    log().warn(
        "the training diverged: its last epoch's loss is {:.4g}, where guessing costs {:.3g}. "
        "Lower optim.lr, or add a warm-up",
        loss, divergence_.chance());
  state_.epoch_totals = {};
  state_.evaluation_due = false;
  const bool best =
      record_.offer_best({plan_.epochs_at(state_.step), state_.step, now->score(), last_->top1, last_->top5});
  if (best && experiment_.config.checkpoint.keep_best > 0) save();
  return true;
}

void Trainer::write_evaluation(const PartResults& now, const std::optional<PartResults>& averaged) {
  const TrainTotals& trained = state_.epoch_totals;
  MetricRow row{"eval", state_.step, static_cast<double>(plan_.epochs_at(state_.step)), {}};
  const auto add = [&](const std::string& prefix, const PartResults& results) {
    const EvaluationResult& last = results.last();
    row.values.insert(row.values.end(), {{prefix + "loss", last.loss}, {prefix + "top1", last.top1}});
    if (last.has_top5()) row.values.emplace_back(prefix + "top5", last.top5);
    if (results.held && results.test)
      row.values.insert(row.values.end(), {{prefix + "holdout_loss", results.held->loss},
                                           {prefix + "holdout_top1", results.held->top1}});
  };
  add("", now);
  if (averaged) add("ema_", *averaged);
  row.values.emplace_back("score", now.score());
  row.values.insert(row.values.end(), {{"train_loss", trained.mean_loss()},
                                       {"train_top1", trained.top1()},
                                       {"lr", lr_at(state_.step)},
                                       {"images_per_s", trained.images_per_s(plan_.batch_size)},
                                       {"train_seconds", training_time_.seconds()},
                                       {"memory", static_cast<double>(anonymous_memory_peak())}});
  if (const std::int64_t device = device_memory_peak(experiment_.device.torch); device > 0)
    row.values.emplace_back("device_memory", static_cast<double>(device));
  record_.write(row);
}

// The epoch's line: an epoch is one pass over the images, and a line may stand for more than one.
void Trainer::log_epoch(const PartResults& now, const std::optional<PartResults>& averaged) {
  const TrainTotals& trained = state_.epoch_totals;
  const std::int64_t epoch = plan_.epochs_at(state_.step);
  const double seen = trained.seen(plan_.batch_size);
  const std::int64_t covered =
      epoch - plan_.epochs_at(state_.step - std::llround(seen / static_cast<double>(plan_.batch_size)));
  const std::string held_out =
      now.held && now.test ? fmt::format("held-out top1 {:5.2f}%  ", now.held->top1) : "";
  const double rate = trained.images_per_s(plan_.batch_size);
  const std::string pace =
      std::isfinite(rate) ? fmt::format("  {:.2f} s  {:.0f} images/s", trained.seconds, rate) : "";
  log().info(
      "epoch {:>{}}/{}{}  lr {:.3g}  loss {:.4f}  train top1 {:5.2f}%  {}{} loss {:.4f}  top1 {:5.2f}%{}{}{}",
      epoch, fmt::formatted_size("{}", plan_.epochs), plan_.epochs,
      covered > 1 ? fmt::format(" ({} epochs)", covered) : "", lr_at(state_.step), trained.mean_loss(),
      trained.top1(), held_out, now.test ? "test" : "held-out", last_->loss, last_->top1,
      last_->has_top5() ? fmt::format("  top5 {:5.2f}%", last_->top5) : "",
      averaged ? fmt::format("  averaged {:5.2f}%", averaged->last().top1) : "", pace);
}

void Trainer::save() {
  take_sums();
  const Stopwatch::Pause pause(training_time_);
  state_.bad_run = sums_.current_run();
  state_.train_seconds = training_time_.seconds();
  record_.save();
}

}  // namespace smlp
