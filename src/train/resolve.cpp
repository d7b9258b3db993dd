#include "smlp/train/resolve.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/core/threads.hpp"

namespace smlp {

std::int64_t resolve_workers(const DataConfig& config, const Device& device) {
  if (config.workers >= 0) return config.workers;
  return device.is_cuda() ? std::clamp(available_cores() - 1, 1, 16) : 0;
}

ChannelStatistics resolve_normalization(const DataConfig& config, const DatasetInfo& training_set) {
  if (!config.mean.empty()) return {config.mean, config.std};
  const bool own = config.normalize == "pack" || (config.normalize == "auto" && training_set.family.empty());
  if (own) return training_set.statistics;
  return family_statistics(config.normalize == "auto" ? training_set.family : config.normalize);
}

std::string normalization_source(const DataConfig& config, const DatasetInfo& training_set) {
  if (!config.mean.empty()) return "data.mean and data.std";
  if (config.normalize == "auto" && !training_set.family.empty())
    return "the pack's family " + training_set.family;
  return config.normalize == "auto" || config.normalize == "pack" ? "the pack's own"
                                                                  : "data.normalize " + config.normalize;
}

std::optional<ResolvedConfig> resolved_of(const RunConfig& stored) {
  if (stored.resolved) return stored.resolved;
  const DeviceConfig& device = stored.device;
  if (device.type == DeviceType::automatic || device.precision == Precision::automatic ||
      stored.data.mean.empty())
    return std::nullopt;
  return ResolvedConfig{device.type, device.precision, std::max<std::int64_t>(stored.data.workers, 0),
                        stored.data.mean, stored.data.std};
}

DeviceConfig as_resolved(DeviceConfig config, const ResolvedConfig& resolved) {
  if (config.type == DeviceType::automatic) config.type = resolved.device;
  if (config.precision == Precision::automatic) config.precision = resolved.precision;
  return config;
}

DataConfig as_resolved(DataConfig config, const ResolvedConfig& resolved) {
  if (config.mean.empty()) config.mean = resolved.mean, config.std = resolved.std;
  return config;
}

std::string resolved_anew(const RunConfig& asked, const ResolvedConfig& before, const ResolvedConfig& now) {
  const auto device = [](DeviceType type) { return type == DeviceType::cuda ? "cuda" : "cpu"; };
  const auto statistics = [](const ResolvedConfig& r) {
    return fmt::format("mean {:.4g} and std {:.4g}", fmt::join(r.mean, " "), fmt::join(r.std, " "));
  };
  std::vector<std::string> parts;
  if (asked.device.type == DeviceType::automatic && before.device != now.device)
    parts.push_back(fmt::format("device {}, there {}", device(now.device), device(before.device)));
  if (asked.device.precision == Precision::automatic && before.precision != now.precision)
    parts.push_back(fmt::format("precision {}, there {}", precision_name(now.precision),
                                precision_name(before.precision)));
  if (asked.data.workers < 0 && before.workers != now.workers)
    parts.push_back(fmt::format("{} workers, there {}", now.workers, before.workers));
  if (asked.data.mean.empty() && !before.mean.empty() && (before.mean != now.mean || before.std != now.std))
    parts.push_back(fmt::format("{}, there {}", statistics(now), statistics(before)));
  return parts.empty()
             ? ""
             : fmt::format("auto       is not here what it was in the run of this configuration: {}",
                           fmt::join(parts, "; "));
}

}  // namespace smlp
