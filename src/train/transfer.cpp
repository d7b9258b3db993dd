#include "smlp/train/transfer.hpp"

#include <algorithm>

#include "blame_file.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/tensor_file.hpp"

namespace smlp {
namespace {

bool keeps_head(const std::vector<std::string>& own, const std::vector<std::string>& saved, bool new_head) {
  if (new_head || own.size() != saved.size()) return false;
  const bool nameless =
      std::all_of(saved.begin(), saved.end(), [](const std::string& each) { return each.empty(); });
  if (nameless) log().warn("the checkpoint has as many classes without names: its head is kept");
  return nameless || own == saved;
}

NamedTensors body_of(const Model& model) {
  NamedTensors tensors = named_tensors(model);
  std::erase_if(tensors, [&](const auto& each) { return each.first.starts_with(model.head_prefix()); });
  return tensors;
}

void zero_head(const Model& model) {
  torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : named_tensors(model))
    if (name.starts_with(model.head_prefix())) torch::Tensor(tensor).zero_();
}

void set(ConfigNode& section, const std::string& key, const std::string& value, const Origin& origin) {
  std::erase_if(section.entries, [&](const auto& entry) { return entry.first == key; });
  section.entries.emplace_back(key, ConfigNode{ConfigNode::Kind::scalar, origin, value});
}

}  // namespace

ConfigNode transfer_layer(const std::filesystem::path& run_or_checkpoint, bool best) {
  const std::filesystem::path checkpoint = find_checkpoint(run_or_checkpoint, best);
  const std::string source = CheckpointFiles::state(checkpoint).string();
  ConfigNode saved = blame_file([&] { return parse_yaml(read_state(checkpoint).config, source); });
  ConfigNode* model = saved.find("model");
  ConfigNode* data = saved.find("data");
  const ConfigNode* size = data != nullptr ? data->find("image_size") : nullptr;
  if (model == nullptr || size == nullptr)
    fail(ErrorKind::data, "{}: its configuration says no model or image size", source);
  for (const char* key : {"new_head", "head_init"})  // of how that run began, not of the model
    std::erase_if(model->entries, [&](const auto& entry) { return entry.first == key; });
  set(*model, "init_from", checkpoint.string(), model->origin);
  ConfigNode layer{ConfigNode::Kind::map, saved.origin};
  layer.entries.emplace_back("model", std::move(*model));
  ConfigNode image{ConfigNode::Kind::map, size->origin};
  image.entries.emplace_back("image_size", *size);
  layer.entries.emplace_back("data", std::move(image));
  return layer;
}

std::string load_initial_weights(Experiment& experiment) {
  const ModelConfig& config = *experiment.config.model.config;
  if (!config.init_from) return "";
  Model& model = *experiment.model;
  const std::filesystem::path checkpoint = find_checkpoint(*config.init_from);
  const std::vector<std::string> saved = read_state(checkpoint).classes;
  const bool keep = keeps_head(experiment.train_set->info().classes, saved, config.new_head);
  const std::filesystem::path file = CheckpointFiles::model(checkpoint);
  if (keep) {
    load_tensors(file, named_tensors(model));
  } else {
    load_tensors(file, body_of(model), model.head_prefix());
    if (config.head_init == ModelConfig::HeadInit::zero) zero_head(model);
  }
  return fmt::format("weights    {}, {}", checkpoint.string(),
                     keep ? fmt::format("with its head of {} classes", saved.size())
                          : fmt::format("with a new head: {} classes, it had {}",
                                        experiment.train_set->classes(), saved.size()));
}

}  // namespace smlp
