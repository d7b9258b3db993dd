#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "smlp/data/dataset_info.hpp"
#include "smlp/device/device.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {

// data.workers resolved for a device: -1 is none on a CPU, whose cores the trainer needs, so that its own
// threads render between steps, and on CUDA one a core but one, up to 16.
std::int64_t resolve_workers(const DataConfig& config, const Device& device);

// data.normalize resolved for a training set: the given values, or the family's, or the pack's statistics.
ChannelStatistics resolve_normalization(const DataConfig& config, const DatasetInfo& training_set);

// Where those come from, in a few words: "the pack's family cifar", …
std::string normalization_source(const DataConfig& config, const DatasetInfo& training_set);

// What the run of a stored configuration resolved; nullopt: it was never run. Configurations of earlier
// versions have it in the place of what was asked.
std::optional<ResolvedConfig> resolved_of(const RunConfig& stored);

// The settings with what a run resolved in the place of `auto`, but for workers, which change no result.
DeviceConfig as_resolved(DeviceConfig config, const ResolvedConfig& resolved);
DataConfig as_resolved(DataConfig config, const ResolvedConfig& resolved);

// Where `auto` of `asked` is something else now than in the run it was written by: a sentence; else "".
std::string resolved_anew(const RunConfig& asked, const ResolvedConfig& before, const ResolvedConfig& now);

}  // namespace smlp
