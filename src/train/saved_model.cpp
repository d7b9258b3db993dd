#include "smlp/train/saved_model.hpp"

namespace smlp {

SavedModel open_saved_model(const std::filesystem::path& run_or_checkpoint, bool best,
                            std::vector<ConfigNode> overrides) {
  SavedModel saved;
  saved.checkpoint = find_checkpoint(run_or_checkpoint, best);
  saved.state = read_state(saved.checkpoint);
  saved.config = parse_run_config(saved.state.config, CheckpointFiles::state(saved.checkpoint).string(),
                                  std::move(overrides));
  saved.model = saved.config.model->build(static_cast<int>(saved.config.data.image_size),
                                          static_cast<int>(saved.state.classes.size()));
  load_model(saved.checkpoint, *saved.model);
  return saved;
}

}  // namespace smlp
