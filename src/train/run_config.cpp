#include "smlp/train/run_config.hpp"

#include "smlp/models/registry.hpp"
#include "smlp/optim/registry.hpp"

namespace smlp {

void RunSection::fields(FieldVisitor& v) {
  v.field("name", name, "folder of the run; null: date-model-data");
  v.path("output", output, "where run folders are made");
  v.field("seed", seed, "decides every random choice", between(0, 4294967295.0));
  v.field("stop_signals", stop_signals, "signals that save the run and end it with 128 + signal");
}

void InitConfig::fields(FieldVisitor& v) {
  v.path("from", from,
         "run, checkpoint or file of weights that a new run starts with; null: drawn by the seed");
  v.field("new_head", new_head, "a new head also where the checkpoint has the same classes");
  v.choice("head", head, {{"uniform", Head::uniform}, {"zero", Head::zero}},
           "a new head's weights: as torch.nn.Linear draws them, or zeros");
}

void DataConfig::fields(FieldVisitor& v) {
  v.path("root", root, "a pack's folder, a name below $SMLP_DATA, or shapes (embedded)");
  v.field("image_size", image_size, "side of the images the model sees, pixels", between(1, 1024));
  v.field("normalize", normalize,
          "auto (the pack's family, or its statistics), pack, or a family: cifar, imagenet, stl");
  v.field("mean", mean, "per channel, of pixels in [0, 1]; [] takes what normalize says", between(-10, 10));
  v.field("std", std, "per channel, of pixels in [0, 1]", Bounds{.min = 0, .max = 10, .min_open = true});
  v.field(
      "permute_pixels", permute_pixels,
      "seed of one permutation of the pixels, the same for all finished images, after augmentation; null: "
      "none",
      between(0, 4294967295.0));
  v.field("fraction", subset.fraction, "part of each class that is used",
          Bounds{.min = 0, .max = 1, .min_open = true});
  v.field("per_class", subset.per_class, "images used of each class; 0: all", between(0, 1e9));
  v.field("holdout", subset.holdout, "part of each class set aside to choose the best epoch",
          Bounds{.min = 0, .max = 1, .max_open = true});
  v.choice("order", order, {{"random", Order::random}, {"windowed", Order::windowed}},
           "windowed: shuffled within a window that moves through the file, for sets larger than memory");
  v.field("window_mib", window_mib, "size of that window; what is held in memory", between(1, 1 << 20));
  v.choice("resident", resident,
           {{"auto", Resident::automatic}, {"on", Resident::on}, {"off", Resident::off}},
           "keep the packed images in the memory of a CUDA device, which renders them from there; auto: of a "
           "set seen at least twice that takes no more than a quarter of it");
  v.field("cache_features", cache_features,
          "with a frozen body and no augmentation: compute its features once and train the head on them");
  v.field("workers", workers,
          "threads that render batches ahead; 0: none, the trainer's render between its steps; -1: none on a "
          "CPU, for "
          "CUDA one a core but one, up to 16",
          between(-1, 256));
  v.field("prefetch", prefetch, "batches each worker keeps ready", between(1, 64));
}

void LossConfig::fields(FieldVisitor& v) {
  v.field("label_smoothing", label_smoothing, "share of the target spread over all classes", between(0, 1));
}

void TrainConfig::fields(FieldVisitor& v) {
  v.choice("method", method, {{"gradient", Method::gradient}, {"ridge", Method::ridge}},
           "ridge: the head over a frozen body by regularised least squares, in one step without optim");
  v.field("epochs", epochs, "passes over the training images", between(1, 1e6));
  v.field("batch_size", batch_size, "images per optimiser step", between(1, 1 << 20));
  v.field("micro_batch", micro_batch, "images per forward pass; 0: the whole batch", between(0, 1 << 20));
  v.field("eval_every", eval_every, "epochs between evaluations; 0: only at the end", between(0, 1e6));
  v.field("log_every", log_every, "steps between log lines, the only times the device is waited for",
          between(1, 1e6));
  v.field("max_bad_steps", max_bad_steps,
          "the run stops when, at a log step, as many steps in a row were not finite", between(1, 1e6));
  v.field("patience", patience, "evaluations without a better one before the run ends early; 0: never",
          between(0, 1e6));
  v.field("ema", ema,
          "decay of a moving average of the weights, evaluated and saved beside them; 0: none is kept",
          between(0, 0.999999));
  // Of 128 values none is further away than √127.
  v.field("skip_zscore", skip_zscore,
          "leave a step out whose gradient norm is more than this many standard deviations above the mean of "
          "the last 128; 0: never",
          between(0, 11));
}

void CheckpointConfig::fields(FieldVisitor& v) {
  v.field("every_epochs", every_epochs, "epochs between checkpoints; 0: only at the end", between(0, 1e6));
  v.field("every_steps", every_steps, "steps between checkpoints, besides; 0: off", between(0, 1e9));
  v.field("every_minutes", every_minutes, "minutes between checkpoints, besides; 0: off", between(0, 1e5));
  v.field("keep_last", keep_last, "newest checkpoints kept", between(1, 1e4));
  v.field("keep_best", keep_best, "best checkpoints kept", between(0, 1));
  v.field("keep_epochs", keep_epochs, "epochs whose checkpoints are made and never deleted", between(1, 1e6));
}

void ResolvedConfig::fields(FieldVisitor& v) {
  v.choice("device", device, {{"cpu", DeviceType::cpu}, {"cuda", DeviceType::cuda}}, "what it ran on");
  v.choice("precision", precision,
           {{"fp32", Precision::fp32}, {"tf32", Precision::tf32}, {"bf16", Precision::bf16}},
           "of matrix products");
  v.field("workers", workers, "threads that rendered batches", between(0, 256));
  v.field("mean", mean, "per channel, of pixels in [0, 1]", between(-10, 10));
  v.field("std", std, "per channel, of pixels in [0, 1]", Bounds{.min = 0, .max = 10, .min_open = true});
}

RunConfig::RunConfig()
    : model(choose<ModelConfig>(model_table(), "b_mlp")),
      optim(choose<OptimizerConfig>(optimizer_table(), "lion")),
      schedule(choose<ScheduleConfig>(schedule_table(), "constant")) {}

void RunConfig::fields(FieldVisitor& v) {
  v.section("run", run, "the run's name, place and seed");
  v.section("device", device, "what it runs on");
  v.family("model", model, model_table(),
           "the network; name also takes B-12/1024, B_12-Wi_1024_res_64_in21k, …");
  v.section("init", init, "the weights a new run starts with");
  v.section("data", data, "the images");
  v.section("augment", augment, "what is done to training images");
  v.section("loss", loss, "cross entropy");
  v.family("optim", optim, optimizer_table(), "the optimiser");
  v.family("schedule", schedule, schedule_table(), "the learning rate over the steps");
  v.section("train", train, "the loop");
  v.section("checkpoint", checkpoint, "what is saved and kept");
  v.section("resolved", resolved, "what auto became in the run this is of; written there, not to be set");
}

// fields() serves readers and writers alike; printing only reads.
std::vector<KeyRow> RunConfig::rows() const {
  return config_rows([&](FieldVisitor& v) { const_cast<RunConfig*>(this)->fields(v); });
}

std::string RunConfig::yaml(const Origins* origins) const {
  return print_config([&](FieldVisitor& v) { const_cast<RunConfig*>(this)->fields(v); }, origins);
}

}  // namespace smlp
