#include "smlp/train/key_words.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <map>
#include <vector>

#include "smlp/core/text.hpp"
#include "smlp/models/registry.hpp"
#include "smlp/optim/registry.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {
namespace {

struct WordRow {
  const char* word;
  const char* key;
  const char* value = "";
};

// PyTorch's, timm's, Lightning's and Hugging Face's words that are not the last part of a key here.
constexpr WordRow word_table[] = {
    {"bs", "train.batch_size"},
    {"batch", "train.batch_size"},
    {"batchsize", "train.batch_size"},
    {"train_batch_size", "train.batch_size"},
    {"per_device_train_batch_size", "train.batch_size"},
    {"accum", "train.micro_batch"},
    {"grad_accum_steps", "train.micro_batch"},
    {"gradient_accumulation_steps", "train.micro_batch"},
    {"accumulate_grad_batches", "train.micro_batch"},
    {"epoch", "train.epochs"},
    {"num_epochs", "train.epochs"},
    {"max_epochs", "train.epochs"},
    {"num_train_epochs", "train.epochs"},
    {"log_interval", "train.log_every"},
    {"print_freq", "train.log_every"},
    {"logging_steps", "train.log_every"},
    {"log_every_n_steps", "train.log_every"},
    {"val_interval", "train.eval_every"},
    {"eval_interval", "train.eval_every"},
    {"check_val_every_n_epoch", "train.eval_every"},
    {"learning_rate", "optim.lr"},
    {"base_lr", "optim.lr"},
    {"wd", "optim.weight_decay"},
    {"decay", "optim.weight_decay"},
    {"optimizer", "optim.name"},
    {"optimiser", "optim.name"},
    {"opt", "optim.name"},
    {"opt_betas", "optim.betas"},
    {"clip_grad", "optim.clip_norm"},
    {"grad_clip", "optim.clip_norm"},
    {"clip_grad_norm", "optim.clip_norm"},
    {"max_grad_norm", "optim.clip_norm"},
    {"gradient_clip_val", "optim.clip_norm"},
    {"sched", "schedule.name"},
    {"scheduler", "schedule.name"},
    {"lr_scheduler", "schedule.name"},
    {"lr_schedule", "schedule.name"},
    {"lr_scheduler_type", "schedule.name"},
    {"smoothing", "loss.label_smoothing"},
    {"mixup_alpha", "augment.mixup"},
    {"hflip", "augment.flip"},
    {"horizontal_flip", "augment.flip"},
    {"scale", "augment.crop.scale"},
    {"ratio", "augment.crop.ratio"},
    {"arch", "model.name"},
    {"model_name", "model.name"},
    {"num_layers", "model.depth"},
    {"layers", "model.depth"},
    {"dim", "model.width"},
    {"hidden_dim", "model.width"},
    {"hidden_size", "model.width"},
    {"embed_dim", "model.width"},
    {"mlp_ratio", "model.expansion"},
    {"drop", "model.dropout"},
    {"drop_rate", "model.dropout"},
    {"pretrained", "init.from"},
    {"pretrained_path", "init.from"},
    {"checkpoint_path", "init.from"},
    {"initial_checkpoint", "init.from"},
    {"weights", "init.from"},
    {"data_dir", "data.root"},
    {"data_path", "data.root"},
    {"dataset", "data.root"},
    {"img_size", "data.image_size"},
    {"input_size", "data.image_size"},
    {"imgsz", "data.image_size"},
    {"resolution", "data.image_size"},
    {"num_workers", "data.workers"},
    {"val_split", "data.holdout"},
    {"shots", "data.per_class"},
    {"output_dir", "run.output"},
    {"out_dir", "run.output"},
    {"save_dir", "run.output"},
    {"log_dir", "run.output"},
    {"logdir", "run.output"},
    {"default_root_dir", "run.output"},
    {"experiment", "run.name"},
    {"run_name", "run.name"},
    {"random_seed", "run.seed"},
    {"manual_seed", "run.seed"},
    {"checkpoint_hist", "checkpoint.keep_last"},
    {"save_total_limit", "checkpoint.keep_last"},
    {"save_every", "checkpoint.every_epochs"},
    {"save_freq", "checkpoint.every_epochs"},
    {"save_steps", "checkpoint.every_steps"},
    {"num_threads", "device.threads"},
    {"gpu", "device.type", "cuda"},
    {"gpus", "device.type", "cuda"},
    {"cuda", "device.type", "cuda"},
    {"cpu", "device.type", "cpu"},
    {"no_cuda", "device.type", "cpu"},
    {"accelerator", "device.type"},
    {"amp", "device.precision", "bf16"},
    {"fp16", "device.precision", "bf16"},
    {"float16", "device.precision", "bf16"},
    {"half", "device.precision", "bf16"},
    {"bfloat16", "device.precision", "bf16"},
    {"float32", "device.precision", "fp32"},
    {"float", "device.precision", "fp32"},
    {"dtype", "device.precision"},
    {"amp_dtype", "device.precision"},
    {"mixed_precision", "device.precision"},
};

std::string normalized(const std::string& word) {
  std::string text = lower_case(word);
  text.erase(0, std::min(text.find_first_not_of('-'), text.size()));
  std::ranges::replace(text, '-', '_');
  return text;
}

std::string last_part(const std::string& path) {
  return path.substr(path.rfind('.') + 1);
}

// Every key there is, with the choice that it needs: "optim.name=sgd"; "": every run has it.
std::map<std::string, std::string> all_keys() {
  std::map<std::string, std::string> keys;
  const auto add = [&](const RunConfig& config, const std::string& needs) {
    for (const KeyRow& row : config.rows())
      if (row.type != "section") keys.emplace(row.path, needs);
  };
  RunConfig config;
  add(config, "");
  for (const ModelFamily& row : model_table()) {
    config.model = choose<ModelConfig>(model_table(), row.name);
    add(config, fmt::format("model.name={}", row.name));
  }
  for (const auto& row : optimizer_table()) {
    config.optim = choose<OptimizerConfig>(optimizer_table(), row.name);
    add(config, fmt::format("optim.name={}", row.name));
  }
  for (const auto& row : schedule_table()) {
    config.schedule = choose<ScheduleConfig>(schedule_table(), row.name);
    add(config, fmt::format("schedule.name={}", row.name));
  }
  return keys;
}

const std::map<std::string, std::string>& known_keys() {
  static const std::map<std::string, std::string> keys = all_keys();
  return keys;
}

std::string hint_of_key(const std::string& path) {
  if (path == "sweep") return "it is a grid's, which `smlp sweep` trains";
  if (const auto known = known_keys().find(path); known != known_keys().end() && !known->second.empty())
    return fmt::format("it needs {}", known->second);
  const auto whole = find_meant_key(path), part = find_meant_key(last_part(path));
  const auto& meant = whole ? whole : part;
  if (!meant || meant->key == path) return "";
  return meant->value.empty() ? fmt::format("did you mean '{}'?", meant->key)
                              : fmt::format("did you mean '{}={}'?", meant->key, meant->value);
}

std::string hint_of_value(const std::string& path, const std::string& word) {
  const std::string text = normalized(word);
  for (const WordRow& row : word_table)
    if (row.word == text && row.key == path && *row.value != '\0')
      return fmt::format("did you mean '{}'?", row.value);
  return "";
}

}  // namespace

std::optional<MeantKey> find_meant_key(const std::string& word) {
  const std::string text = normalized(word);
  if (known_keys().contains(text)) return MeantKey{text, ""};
  std::vector<std::string> found;
  for (const auto& [key, needs] : known_keys())
    if (last_part(key) == text) found.push_back(key);
  if (found.size() == 1) return MeantKey{found.front(), ""};
  for (const WordRow& row : word_table)
    if (row.word == text) return MeantKey{row.key, row.value};
  return std::nullopt;
}

const Meanings& key_meanings() {
  static const Meanings meanings{hint_of_key, hint_of_value};
  return meanings;
}

}  // namespace smlp
