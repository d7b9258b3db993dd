#pragma once
#include <filesystem>
#include <memory>
#include <vector>

#include "smlp/config/tree.hpp"
#include "smlp/device/device.hpp"
#include "smlp/run/training_state.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {

class Model;  // nn/model.hpp

// A trained model, as its checkpoint describes it.
struct SavedModel {
  std::filesystem::path checkpoint;
  TrainingState state;
  RunConfig config;
  std::shared_ptr<Model> model;  // on the CPU

  void to(const Device& device);
  ChannelStatistics normalization() const;  // of the images it sees
  std::vector<CostRow> costs() const;       // of the model, layer by layer
};

// Opens a run's last (or best) checkpoint, or a checkpoint's folder. `overrides` are laid on its
// configuration; those that change the model do not fit its tensors and are refused.
SavedModel open_saved_model(const std::filesystem::path& run_or_checkpoint, bool best,
                            std::vector<ConfigNode> overrides = {});

}  // namespace smlp
