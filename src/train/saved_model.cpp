#include "smlp/train/saved_model.hpp"

#include "blame_file.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/run/path_kind.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/foreign_weights.hpp"

namespace smlp {
namespace {
const std::filesystem::path averages_file = "ema.safetensors";
}

SavedWeights find_weights(const std::filesystem::path& path, bool best) {
  if (const auto file = find_weights_file(path)) {
    const ForeignWeights weights({.from = *file, .to = {}, .family = {}, .classes = {}});
    return {std::filesystem::absolute(*file).lexically_normal(), weights.state(),
            weights.about().data.assumed};
  }
  const std::filesystem::path checkpoint = find_checkpoint(path, best);
  const bool averaged = path.filename() == averages_file && checkpoint_of_file(path) != path;
  return {averaged ? checkpoint / averages_file : checkpoint, read_state(checkpoint)};
}

std::string SavedWeights::source() const {
  const std::filesystem::path checkpoint = checkpoint_of_file(path);
  return (is_checkpoint(checkpoint) ? state_file(checkpoint) : path).string();
}

void SavedWeights::load_into(const Model& model, const std::string& ignored) const {
  CheckpointPart part = model_part(model);
  const auto passed_over = [&](const auto& each) {
    return !ignored.empty() && each.first.starts_with(ignored);
  };
  std::erase_if(part.tensors, passed_over);
  const std::filesystem::path checkpoint = checkpoint_of_file(path);
  if (checkpoint != path) part.name = path.stem().string();
  if (is_checkpoint(checkpoint)) return load_part(checkpoint, part, ignored);
  NamedTensors values = ForeignWeights({.from = path, .to = {}, .family = {}, .classes = {}}).tensors();
  std::erase_if(values, passed_over);
  copy_tensors(values, part.tensors, path.string());
}

SavedModel open_saved_model(const std::filesystem::path& path, bool best, std::vector<ConfigNode> overrides) {
  const SavedWeights weights = find_weights(path, best);
  SavedModel saved{.checkpoint = weights.path, .state = weights.state, .config = {}, .model = {}};
  const std::string source = weights.source();
  blame_file([&] { return parse_run_config(saved.state.config, source, {}); });
  if (saved.state.classes.size() < 2)
    fail(ErrorKind::data, "{}: {} classes, expected two or more", source, saved.state.classes.size());
  saved.config = parse_run_config(saved.state.config, source, std::move(overrides));
  if (weights.assumed_images)
    log().warn(
        "{} does not say how its images were normalised: mean {:.4g} and std {:.4g} are taken, as most {}s "
        "published have them; `smlp import` of it takes others",
        source, fmt::join(weights.state.normalization.mean, " "),
        fmt::join(weights.state.normalization.std, " "), saved.config.model.name);
  saved.model = build_model(saved.config.model, static_cast<int>(saved.config.data.image_size),
                            static_cast<int>(saved.state.classes.size()));
  weights.load_into(*saved.model);
  return saved;
}

void SavedModel::to(const Device& device) {
  model->to(device.torch);
}

ChannelStatistics SavedModel::normalization() const {
  const DataConfig& data = config.data;
  return data.mean.empty() ? state.normalization : ChannelStatistics{data.mean, data.std};
}

std::vector<CostRow> SavedModel::costs() const {
  return config.model->costs(static_cast<int>(config.data.image_size),
                             static_cast<int>(state.classes.size()));
}

}  // namespace smlp
