#pragma once
#include <cstdint>

#include "smlp/data/dataset_info.hpp"
#include "smlp/device/device.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {

// data.workers resolved for a device: -1 is one thread on a CPU, which has its own work, and on CUDA one a
// core but one, up to 16.
std::int64_t resolve_workers(const DataConfig& config, const Device& device);

// data.normalize resolved for a training set: the given values, or the family's, or the pack's statistics.
ChannelStatistics resolve_normalization(const DataConfig& config, const DatasetInfo& training_set);

}  // namespace smlp
