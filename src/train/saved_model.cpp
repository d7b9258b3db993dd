#include "smlp/train/saved_model.hpp"

#include "blame_file.hpp"
#include "smlp/core/error.hpp"

namespace smlp {

SavedModel open_saved_model(const std::filesystem::path& run_or_checkpoint, bool best,
                            std::vector<ConfigNode> overrides) {
  SavedModel saved;
  saved.checkpoint = find_checkpoint(run_or_checkpoint, best);
  saved.state = read_state(saved.checkpoint);
  const std::string source = CheckpointFiles::state(saved.checkpoint).string();
  blame_file([&] { return parse_run_config(saved.state.config, source, {}); });
  if (saved.state.classes.size() < 2)
    fail(ErrorKind::data, "{}: {} classes, expected two or more", source, saved.state.classes.size());
  saved.config = parse_run_config(saved.state.config, source, std::move(overrides));
  saved.model = saved.config.model->build(static_cast<int>(saved.config.data.image_size),
                                          static_cast<int>(saved.state.classes.size()));
  load_model(saved.checkpoint, *saved.model);
  return saved;
}

}  // namespace smlp
