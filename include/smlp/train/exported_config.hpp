#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "smlp/data/dataset_info.hpp"
#include "smlp/models/preset.hpp"
#include "smlp/train/saved_model.hpp"

namespace smlp {

// The keys of the model section but its name, with their values.
KeyValues model_args(const RunConfig& config);

// config.json beside exported weights, with timm's keys: architecture, num_classes, num_features, label_names
// (when they are known), model_args, pretrained_cfg{input_size, mean, std, interpolation, crop_pct,
// crop_mode}; and what no key of timm's says: preparation, permute_pixels.
std::string exported_config(const SavedModel& saved);

// What such a file says that the weights' names and shapes do not.
struct ExportedConfig {
  std::string file{};                  // for messages
  KeyValues model{};                   // "model.activation" → "gelu", and data.permute_pixels
  std::vector<std::string> classes{};  // empty: not said
  std::optional<ChannelStatistics> normalization{};
  std::optional<int> image_size{};
  ImagePreparation preparation{};  // size 0: not said
};

// Reads FOLDER/config.json of an export, or as timm publishes it. None there, or of an architecture whose
// name does not begin with `family` (a warning says so): nullopt. Not JSON, or a value of the wrong kind:
// Error(data).
std::optional<ExportedConfig> read_exported_config(const std::filesystem::path& folder,
                                                   const std::string& family);

}  // namespace smlp
