#include "smlp/train/resolve.hpp"

#include <algorithm>

#include "smlp/core/threads.hpp"

namespace smlp {

std::int64_t resolve_workers(const DataConfig& config, const Device& device) {
  if (config.workers >= 0) return config.workers;
  return device.is_cuda() ? std::clamp(available_cores() - 1, 1, 16) : 1;
}

ChannelStatistics resolve_normalization(const DataConfig& config, const DatasetInfo& training_set) {
  if (!config.mean.empty()) return {config.mean, config.std};
  const bool own = config.normalize == "pack" || (config.normalize == "auto" && training_set.family.empty());
  if (own) return training_set.statistics;
  return family_statistics(config.normalize == "auto" ? training_set.family : config.normalize);
}

}  // namespace smlp
