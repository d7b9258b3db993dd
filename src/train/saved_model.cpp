#include "smlp/train/saved_model.hpp"

#include "blame_file.hpp"
#include "smlp/core/error.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/nn/model.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/config_files.hpp"

namespace smlp {

SavedModel open_saved_model(const std::filesystem::path& run_or_checkpoint, bool best,
                            std::vector<ConfigNode> overrides) {
  SavedModel saved;
  saved.checkpoint = find_checkpoint(run_or_checkpoint, best);
  saved.state = read_state(saved.checkpoint);
  const std::string source = state_file(saved.checkpoint).string();
  blame_file([&] { return parse_run_config(saved.state.config, source, {}); });
  if (saved.state.classes.size() < 2)
    fail(ErrorKind::data, "{}: {} classes, expected two or more", source, saved.state.classes.size());
  saved.config = parse_run_config(saved.state.config, source, std::move(overrides));
  saved.model = build_model(saved.config.model, static_cast<int>(saved.config.data.image_size),
                            static_cast<int>(saved.state.classes.size()));
  load_part(saved.checkpoint, model_part(*saved.model));
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
