#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "smlp/config/tree.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/train/saved_model.hpp"

namespace smlp {

// The keys of the model section, with their values, that make the model what it is, not how a run starts it.
std::vector<std::pair<std::string, std::string>> model_args(const RunConfig& config);

// config.json beside exported weights, with timm's keys: architecture, num_classes, num_features, label_names
// (when they are known), model_args, pretrained_cfg{input_size, mean, std, interpolation, crop_pct}.
std::string exported_config(const SavedModel& saved);

// What such a file says that the weights' names and shapes do not.
struct ExportedConfig {
  std::vector<ConfigNode> model;     // overrides: activation, norm_position, skip, block_order, …
  std::vector<std::string> classes;  // empty: not said
  std::optional<ChannelStatistics> normalization;
};

// Reads FOLDER/config.json. None there, or of another architecture than `family`: nullopt. Not JSON, or a
// value of the wrong kind: Error(data).
std::optional<ExportedConfig> read_exported_config(const std::filesystem::path& folder,
                                                   const std::string& family);

}  // namespace smlp
