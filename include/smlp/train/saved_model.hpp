#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "smlp/config/tree.hpp"
#include "smlp/device/device.hpp"
#include "smlp/run/training_state.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {

class Model;  // nn/model.hpp

// Where a model's weights lie, and all that is known of it but these: a checkpoint's, or those of a file of
// weights, which are read as `smlp import` reads them.
struct SavedWeights {
  std::filesystem::path path;  // the checkpoint's folder, its ema.safetensors, or another file
  TrainingState state;
  bool assumed_images = false;  // nothing says what images the file's weights were shown

  std::string source() const;  // the file that says the state, for messages
  // Copies the values into a model's tensors of the same names; those that begin with `ignored` are passed
  // over on both sides. Damage, or other tensors: Error(data) naming the file.
  void load_into(const Model& model, const std::string& ignored = "") const;
};

// A run's last (or best) checkpoint, a checkpoint, its averaged weights (CHECKPOINT/ema.safetensors), an
// export's folder, or a file of weights. Anything else: Error(data) with what the path is instead.
SavedWeights find_weights(const std::filesystem::path& path, bool best = false);

// A trained model, as its checkpoint describes it.
struct SavedModel {
  std::filesystem::path checkpoint;  // or the file of weights
  TrainingState state;
  RunConfig config;
  std::shared_ptr<Model> model;  // on the CPU

  void to(const Device& device);
  ChannelStatistics normalization() const;  // of the images it sees
  std::vector<CostRow> costs() const;       // of the model, layer by layer
};

// Opens what find_weights() finds. `overrides` are laid on its configuration; those that change the model do
// not fit its tensors and are refused.
SavedModel open_saved_model(const std::filesystem::path& path, bool best,
                            std::vector<ConfigNode> overrides = {});

}  // namespace smlp
