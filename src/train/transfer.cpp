#include "smlp/train/transfer.hpp"

#include <algorithm>

#include "blame_file.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/experiment.hpp"
#include "smlp/train/saved_model.hpp"
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

// Why the head is a new one.
std::string new_head_text(const std::vector<std::string>& own, const std::vector<std::string>& saved) {
  const std::string text = fmt::format("with a new head: {} classes, it had {}", own.size(), saved.size());
  if (own.size() != saved.size() || own == saved) return text;
  const auto i =
      static_cast<std::size_t>(std::mismatch(own.begin(), own.end(), saved.begin()).first - own.begin());
  return fmt::format("{} of other names: class {} is \"{}\", it was \"{}\"", text, i, printable(own[i]),
                     printable(saved[i]));
}

void zero_head(const Model& model) {
  torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : named_tensors(model))
    if (name.starts_with(model.head_prefix())) torch::Tensor(tensor).zero_();
}

ConfigNode section_of(std::string key, ConfigNode value) {
  ConfigNode section{ConfigNode::Kind::map, value.origin};
  section.entries.emplace_back(std::move(key), std::move(value));
  return section;
}

// The model's keys that are others than the weights were trained with: "model.depth is 3, the weights' is 2".
std::string other_keys(const RunConfig& config, const RunConfig& saved) {
  std::vector<std::string> found;
  const std::vector<KeyRow> ours = config.rows(), theirs = saved.rows();
  for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i)
    if (ours[i].path == theirs[i].path && ours[i].path.starts_with("model.") &&
        ours[i].value != theirs[i].value)
      found.push_back(
          fmt::format("{} is {}, the weights' is {}", ours[i].path, ours[i].value, theirs[i].value));
  return fmt::format("{}", fmt::join(found, "; "));
}

// Layers over all pixels or all patches, and embeddings of places, are of one image size.
void load_fitting(const SavedWeights& weights, const Experiment& experiment, const std::string& ignored) {
  try {
    weights.load_into(*experiment.model, ignored);
  } catch (const Error& error) {
    const RunConfig saved = parse_run_config(weights.state.config, weights.source(), {});
    const std::int64_t size = saved.data.image_size;
    if (const std::string others = other_keys(experiment.config, saved); !others.empty())
      fail(ErrorKind::usage, "{}: leave it as it is; {}", others, error.what());
    if (size == experiment.image_size()) throw;
    fail(ErrorKind::usage,
         "data.image_size {}: the weights are those for images of {}x{}: leave it out, and images of any "
         "size are "
         "resized to that; {}",
         experiment.image_size(), size, size, error.what());
  }
}

void warn_of_permutation(const RunConfig& config, const SavedWeights& weights) {
  const auto saved = parse_run_config(weights.state.config, weights.source(), {}).data.permute_pixels;
  const auto text = [](const std::optional<std::int64_t>& seed) {
    return seed ? fmt::format("permuted by seed {}", *seed) : std::string("in their order");
  };
  if (saved != config.data.permute_pixels)
    log().warn("pixels are {} here (data.permute_pixels), and were {} when the weights were trained",
               text(config.data.permute_pixels), text(saved));
}

}  // namespace

ConfigNode transfer_layer(const std::filesystem::path& path, bool best) {
  const SavedWeights weights = find_weights(path, best);
  return transfer_layer(weights.state.config, weights.path, weights.source());
}

ConfigNode transfer_layer(const std::string& config, const std::filesystem::path& weights,
                          const std::string& source) {
  ConfigNode saved = blame_file([&] {
    ConfigNode tree = parse_yaml(config, source);
    rename_old_keys(tree);
    return tree;
  });
  ConfigNode* model = saved.find("model");
  ConfigNode* data = saved.find("data");
  const ConfigNode* size = data != nullptr ? data->find("image_size") : nullptr;
  if (model == nullptr || size == nullptr)
    fail(ErrorKind::data, "{}: its configuration says no model or image size", source);
  ConfigNode from{ConfigNode::Kind::scalar, model->origin, weights.string()};
  ConfigNode layer{ConfigNode::Kind::map, saved.origin};
  layer.entries.emplace_back("model", std::move(*model));
  layer.entries.emplace_back("init", section_of("from", std::move(from)));
  ConfigNode images = section_of("image_size", *size);
  if (const ConfigNode* permuted = data->find("permute_pixels"))
    images.entries.emplace_back("permute_pixels", *permuted);
  layer.entries.emplace_back("data", std::move(images));
  return layer;
}

std::string load_initial_weights(Experiment& experiment) {
  const InitConfig& init = experiment.config.init;
  if (!init.from) return "";
  Model& model = *experiment.model;
  const SavedWeights weights = find_weights(*init.from);
  const std::vector<std::string>& saved = weights.state.classes;
  warn_of_permutation(experiment.config, weights);
  const bool keep = keeps_head(experiment.train_set->info().classes, saved, init.new_head);
  load_fitting(weights, experiment, keep ? "" : model.head_prefix());
  if (!keep && init.head == InitConfig::Head::zero) zero_head(model);
  return fmt::format("weights    {}, {}", weights.path.string(),
                     keep ? fmt::format("with its head of {} classes", saved.size())
                          : new_head_text(experiment.train_set->info().classes, saved));
}

}  // namespace smlp
