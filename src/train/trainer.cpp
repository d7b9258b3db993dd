#include "smlp/train/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "smlp/batches/feature_batches.hpp"
#include "smlp/batches/image_batches.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/rng.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/device/memory.hpp"
#include "smlp/optim/clip.hpp"
#include "smlp/train/ridge.hpp"

namespace smlp {
namespace {

std::uint64_t seed_of(const RunConfig& config) {
  return static_cast<std::uint64_t>(config.run.seed);
}

torch::Tensor part(const torch::Tensor& tensor, std::int64_t start, std::int64_t size) {
  return tensor.defined() && tensor.dim() > 0 && tensor.size(0) != size ? tensor.narrow(0, start, size)
                                                                        : tensor;
}

// The label an image mostly shows.
torch::Tensor main_labels(const Targets& targets) {
  if (!targets.partners.defined()) return targets.labels;
  return torch::where(targets.lambda >= 0.5, targets.labels, targets.partners);
}

}  // namespace

Trainer::Trainer(Experiment& experiment, std::filesystem::path run,
                 const std::optional<std::filesystem::path>& checkpoint)
    : experiment_(experiment),
      run_(std::move(run)),
      lock_(run_ / "lock", fmt::format("{}: this run is being written", run_.string())),
      optimizer_(experiment.config.optim->build(experiment.trained)),
      body_frozen_(experiment.body_frozen()),
      sums_(experiment.device.torch),
      total_steps_(experiment.total_steps()) {
  state_.classes = experiment.train_set->info().classes;
  state_.data_fingerprint = experiment.train_set->fingerprint();
  state_.normalization = experiment.normalization;
  state_.config = experiment.config.yaml();
  if (checkpoint) {
    resume_from(*checkpoint);
    log().info("{}\nresumed    {} at step {}", describe(experiment_), run_.string(), state_.step);
  }
  remove_temporaries(run_);
  write_run_files(run_, experiment_);
  sinks_ = std::make_unique<Sinks>(run_, checkpoint ? &state_.log_sizes : nullptr);
  if (!checkpoint) log().info("{}\nrun        {}", describe(experiment_), run_.string());
  logged_step_ = state_.step;
  training_time_ = Stopwatch(state_.train_seconds);
  logged_seconds_ = state_.train_seconds;
  if (experiment.keeps_features()) features_.emplace(run_ / "features");
}

void Trainer::resume_from(const std::filesystem::path& checkpoint) {
  TrainingState saved = read_state(checkpoint, /*with_optimizer=*/true);
  if (saved.data_fingerprint != state_.data_fingerprint)
    fail(ErrorKind::data,
         "{}: it was trained on other images than those of {}; resume with the data of the run",
         checkpoint.string(), experiment_.train_set->description());
  saved.config = state_.config;
  state_ = std::move(saved);
  load_model(checkpoint, *experiment_.model);
  load_optimizer(checkpoint, *optimizer_);
  sums_.restore_run(state_.bad_run);
  checkpoint_outdated_ = state_.evaluation_due;
  drop_checkpoints_after(run_, state_.step);
}

// Those of the evaluations too, before there is a progress bar of the training.
bool Trainer::compute_features() {
  const Subset& subset = experiment_.subset;
  return features_->features("train", experiment_, experiment_.train_set, subset.train) &&
         (!experiment_.test_set || features_->features("test", experiment_, experiment_.test_set, {})) &&
         (subset.holdout.empty() ||
          features_->features("holdout", experiment_, experiment_.train_set, subset.holdout));
}

std::shared_ptr<const BatchSource> Trainer::training_source() {
  const RunConfig& c = experiment_.config;
  const std::vector<std::int64_t>& chosen = experiment_.subset.train;
  if (!features_)
    return std::make_shared<TrainImages>(experiment_.train_set, chosen, c.augment, experiment_.normalization,
                                         static_cast<int>(c.data.image_size), c.train.batch_size, seed_of(c),
                                         0, 1, experiment_.window_images());
  const SampleOrder order(experiment_.train_images(), experiment_.window_images(), seed_of(c));
  return std::make_shared<FeatureBatches>(
      features_->features("train", experiment_, experiment_.train_set, chosen), experiment_.train_set, chosen,
      c.train.batch_size, order);
}

bool Trainer::prepare() {
  if (features_ && !compute_features()) return false;
  if (experiment_.solves_head()) return true;
  const RunConfig& c = experiment_.config;
  loader_ = std::make_unique<BatchLoader>(training_source(), state_.step, total_steps_,
                                          static_cast<int>(c.data.workers), static_cast<int>(c.data.prefetch),
                                          experiment_.device.torch);
  return true;
}

TrainResult Trainer::run() {
  experiment_.model->train(!body_frozen_);
  const bool started = prepare();
  progress_ = std::make_unique<ProgressBar>("train", total_steps_);
  bool going = started && (!state_.evaluation_due || evaluate_epoch());
  while (going && state_.step < total_steps_) {
    const std::int64_t before = state_.step;
    going = train_step() && after_step(before);
  }
  progress_.reset();
  loader_.reset();
  save();
  if (going && !last_) {  // a finished run resumed: its log is complete
    last_ = experiment_.test_set ? evaluate_on("test", experiment_.test_set, {})
                                 : evaluate_on("holdout", experiment_.train_set, experiment_.subset.holdout);
    going = last_.has_value();
  }
  if (going && !std::isfinite(last_->loss))
    fail(ErrorKind::not_finite, "{}: trained and saved, but its loss on the {} images is {}", run_.string(),
         experiment_.test_set ? "test" : "held-out", last_->loss);
  return {going, state_.step, last_, state_.best, anonymous_memory_peak()};
}

bool Trainer::train_step() {
  if (experiment_.solves_head()) return solve_head();
  if (!loader_ && !prepare()) return false;
  const Batch batch = loader_->next();
  wait_seconds_ += batch.data_seconds;
  const RunConfig& c = experiment_.config;
  const std::vector<torch::Tensor> buffers = copy_buffers();
  for (const Parameter& p : optimizer_->parameters()) torch::Tensor(p.value).mutable_grad().reset();
  const std::optional<StepSums> step = forward_backward(batch);
  if (!step) {
    restore_buffers(buffers, nullptr);
    return false;
  }
  const double factor = c.schedule->factor(state_.step, total_steps_);
  const StepInputs inputs =
      step_inputs(step->loss, global_grad_norm(optimizer_->parameters()), c.optim->clip_norm, factor);
  optimizer_->step(inputs);
  restore_buffers(buffers, &inputs.bad);
  sums_.add(step->loss, step->right, batch.labels.size(0), inputs.bad);
  ++state_.step;
  return true;
}

bool Trainer::solve_head() {
  const std::optional<RidgeChoice> choice = fit_ridge_head(experiment_, *features_);
  if (!choice) return false;
  const auto fit = evaluate_on("train", experiment_.train_set, experiment_.subset.train);
  if (!fit) return false;
  log().info("ridge      penalty {:.3g}: top1 {:.2f}% on the training images, each left out in turn",
             choice->penalty, choice->left_out_top1);
  const auto images = static_cast<double>(fit->images);
  sums_.add(torch::tensor(fit->loss * images), torch::tensor(fit->top1 / 100 * images), fit->images,
            torch::tensor(0.0));
  ++state_.step;
  return true;
}

// Gradients of the mean loss over the whole batch, micro-batch by micro-batch; nullopt when a stop signal
// came.
std::optional<Trainer::StepSums> Trainer::forward_backward(const Batch& batch) {
  const RunConfig& c = experiment_.config;
  const std::int64_t images = batch.images.size(0);
  const std::int64_t micro = c.train.micro_batch == 0 ? images : std::min(c.train.micro_batch, images);
  StepSums sums;
  for (std::int64_t start = 0; start < images; start += micro) {
    if (stop_signal() != 0) return std::nullopt;
    const std::int64_t size = std::min(micro, images - start);
    RandomStream generator(seed_of(c), Purpose::generator, static_cast<std::uint32_t>(state_.step),
                           static_cast<std::uint64_t>(start / micro));
    torch::manual_seed(generator.next64());
    const Targets targets{part(batch.labels, start, size), part(batch.partners, start, size), batch.lambda};
    torch::Tensor loss, right;
    {
      const AutocastScope autocast(experiment_.device);
      const torch::Tensor logits = logits_for(part(batch.images, start, size));
      loss = cross_entropy(logits, targets, c.loss.label_smoothing);
      right = (logits.argmax(1) == main_labels(targets)).sum();
    }
    (size == images ? loss : loss * (static_cast<double>(size) / static_cast<double>(images))).backward();
    torch::NoGradGuard no_grad;
    const torch::Tensor loss_sum = loss.detach() * static_cast<double>(size);
    sums.loss = start == 0 ? loss_sum : sums.loss + loss_sum;
    sums.right = start == 0 ? right : sums.right + right;
  }
  return sums;
}

torch::Tensor Trainer::logits_for(const torch::Tensor& images) {
  Model& model = *experiment_.model;
  if (!body_frozen_) return model.forward(images);
  if (features_) return model.head(images);
  torch::Tensor features;
  {
    const torch::NoGradGuard no_grad;
    features = model.features(images);
  }
  return model.head(features);
}

// Batch norm's running statistics change in the forward pass: a step that is not applied must give them back.
std::vector<torch::Tensor> Trainer::copy_buffers() const {
  std::vector<torch::Tensor> saved;
  for (const torch::Tensor& buffer : experiment_.model->buffers()) saved.push_back(buffer.clone());
  return saved;
}

void Trainer::restore_buffers(const std::vector<torch::Tensor>& saved, const torch::Tensor* where_bad) {
  torch::NoGradGuard no_grad;
  const std::vector<torch::Tensor> buffers = experiment_.model->buffers();
  for (std::size_t i = 0; i < saved.size(); ++i) {
    torch::Tensor buffer = buffers[i];
    buffer.copy_(where_bad == nullptr ? saved[i] : torch::where(*where_bad != 0, saved[i], buffer));
  }
}

// Logging, evaluation and checkpoints that fall due; false when a stop signal came in between.
bool Trainer::after_step(std::int64_t step_before) {
  const RunConfig& c = experiment_.config;
  const std::int64_t epochs_before = experiment_.epochs_at(step_before);
  const std::int64_t epochs = experiment_.epochs_at(state_.step);
  const bool ended = state_.step == total_steps_;
  auto passed = [&](std::int64_t every) { return every > 0 && epochs / every > epochs_before / every; };
  auto kept = [&](std::int64_t epoch) { return epoch > epochs_before && epoch <= epochs; };

  if (epochs > epochs_before) experiment_.train_set->check_files();
  if (state_.step % c.train.log_every == 0 || ended) log_step();
  if (progress_) progress_->update(state_.step, progress_text_);
  state_.evaluation_due = passed(c.train.eval_every) || ended;
  if (state_.evaluation_due && !evaluate_epoch()) return false;
  const CheckpointConfig& k = c.checkpoint;
  const bool due =
      passed(k.every_epochs) || ended || std::any_of(k.keep_epochs.begin(), k.keep_epochs.end(), kept) ||
      (k.every_steps > 0 && state_.step % k.every_steps == 0) ||
      (k.every_minutes > 0 && since_save_.seconds() > 60.0 * static_cast<double>(k.every_minutes));
  if (due) save();
  return true;
}

void Trainer::take_sums() {
  const RunningSums::Reading reading = sums_.take();
  state_.log_totals += reading.totals;
  state_.epoch_totals += reading.totals;
  if (reading.bad_run >= experiment_.config.train.max_bad_steps)
    fail(ErrorKind::not_finite,
         "the loss or the gradient was not finite in {} steps in a row, up to step {}; none of them was "
         "applied, and {} is as it was before. Lower optim.lr, or look at the data",
         reading.bad_run, state_.step, (run_ / "checkpoints").string());
}

double Trainer::lr_now() const {
  if (experiment_.solves_head()) return 0;
  return experiment_.config.optim->lr *
         experiment_.config.schedule->factor(std::max<std::int64_t>(state_.step - 1, 0), total_steps_);
}

void Trainer::log_step() {
  take_sums();
  anonymous_memory_peak();
  const double trained = training_time_.seconds(), seconds = std::max(trained - logged_seconds_, 1e-9);
  const double images = static_cast<double>((state_.step - logged_step_) * experiment_.images_per_step());
  const TrainTotals& totals = state_.log_totals;
  sinks_->write({"train",
                 state_.step,
                 static_cast<double>(state_.step * experiment_.images_per_step()) /
                     static_cast<double>(experiment_.train_images()),
                 {{"loss", totals.mean_loss()},
                  {"top1", totals.top1()},
                  {"lr", lr_now()},
                  {"bad_steps", totals.bad},
                  {"images_per_s", images / seconds},
                  {"data_wait", 100 * wait_seconds_ / seconds}}});
  progress_text_ =
      fmt::format("loss {:.4f}  top1 {:.1f}%  lr {:.3g}  {:.0f} images/s  wait {:.0f}%", totals.mean_loss(),
                  totals.top1(), lr_now(), images / seconds, 100 * wait_seconds_ / seconds);
  state_.log_totals = {};
  logged_seconds_ = trained;
  logged_step_ = state_.step;
  wait_seconds_ = 0;
}

std::optional<EvaluationResult> Trainer::evaluate_on(const std::string& name,
                                                     std::shared_ptr<const Dataset> dataset,
                                                     const std::vector<std::int64_t>& indices) {
  const RunConfig& c = experiment_.config;
  const EvaluationOptions options{
      .image_size = static_cast<int>(c.data.image_size),
      .batch_size =
          std::min<std::int64_t>(c.train.micro_batch > 0 ? c.train.micro_batch : c.train.batch_size, 1024),
      .workers = static_cast<int>(c.data.workers),
      .prefetch = static_cast<int>(c.data.prefetch)};
  if (features_) {
    const auto features = features_->features(name, experiment_, dataset, indices);
    if (!features) return std::nullopt;
    const auto source =
        std::make_shared<FeatureBatches>(features, dataset, indices, options.batch_size, std::nullopt);
    return evaluate(*experiment_.model, experiment_.device, source, source->steps(), dataset->classes(),
                    options);
  }
  return evaluate(*experiment_.model, experiment_.device, std::move(dataset), indices,
                  experiment_.normalization, options);
}

// Evaluates, writes the epoch's line, and remembers the best; false when a stop signal came in between.
bool Trainer::evaluate_epoch() {
  state_.evaluation_due = true;
  take_sums();  // waits for the device: its steps are not the evaluation's time
  const Stopwatch::Pause pause(training_time_);
  std::optional<EvaluationResult> held, test;
  if (!experiment_.subset.holdout.empty()) {
    held = evaluate_on("holdout", experiment_.train_set, experiment_.subset.holdout);
    if (!held) return false;
  }
  if (experiment_.test_set) test = evaluate_on("test", experiment_.test_set, {});
  if (experiment_.test_set && !test) return false;
  last_ = test ? test : held;
  const EvaluationResult& chosen_by = held ? *held : *test;
  const std::int64_t epoch = experiment_.epochs_at(state_.step);

  MetricRow row{"eval",
                state_.step,
                static_cast<double>(epoch),
                {{"loss", last_->loss}, {"top1", last_->top1}, {"top5", last_->top5}}};
  if (held && test)
    row.values.insert(row.values.end(), {{"holdout_loss", held->loss}, {"holdout_top1", held->top1}});
  row.values.insert(row.values.end(), {{"train_loss", state_.epoch_totals.mean_loss()},
                                       {"train_top1", state_.epoch_totals.top1()},
                                       {"lr", lr_now()},
                                       {"train_seconds", training_time_.seconds()}});
  sinks_->write(row);
  log().info(
      "epoch {:>{}}/{}  loss {:.4f}  train top1 {:5.2f}%  {} loss {:.4f}  top1 {:5.2f}%  top5 {:5.2f}%",
      epoch, fmt::formatted_size("{}", experiment_.config.train.epochs), experiment_.config.train.epochs,
      state_.epoch_totals.mean_loss(), state_.epoch_totals.top1(), test ? "test" : "held-out", last_->loss,
      last_->top1, last_->top5);
  state_.epoch_totals = {};
  state_.evaluation_due = false;
  if (state_.best.epoch == 0 || chosen_by.top1 > state_.best.score) {
    state_.best = {epoch, state_.step, chosen_by.top1, last_->top1, last_->top5};
    if (experiment_.config.checkpoint.keep_best > 0) save();
  }
  return true;
}

void Trainer::save() {
  take_sums();
  const Stopwatch::Pause pause(training_time_);
  state_.bad_run = sums_.current_run();
  state_.train_seconds = training_time_.seconds();
  state_.log_sizes = sinks_->sizes();
  const bool replace = std::exchange(checkpoint_outdated_, false);
  const std::filesystem::path saved = save_checkpoint(run_, *experiment_.model, *optimizer_, state_, replace);
  const CheckpointConfig& k = experiment_.config.checkpoint;
  if (k.keep_best > 0 && state_.best.step == state_.step && state_.best.epoch > 0) link_best(saved);
  std::vector<std::int64_t> keep_steps;
  for (const std::int64_t epoch : k.keep_epochs) keep_steps.push_back(experiment_.step_of_epoch(epoch));
  prune_checkpoints(run_, k.keep_last, keep_steps);
  since_save_ = Stopwatch();
}

}  // namespace smlp
