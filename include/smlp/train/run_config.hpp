#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "smlp/config/print.hpp"
#include "smlp/config/tree.hpp"
#include "smlp/data/augment.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/data/subset.hpp"
#include "smlp/device/device.hpp"
#include "smlp/models/model.hpp"
#include "smlp/optim/optimizer.hpp"
#include "smlp/optim/schedule.hpp"
#include "smlp/train/loss.hpp"

namespace smlp {

struct RunSection {
  std::optional<std::string> name;  // null: date-model-data
  std::string output = "runs";
  std::int64_t seed = 0;
  void fields(FieldVisitor& v);
};

struct DataConfig {
  enum class Order { random, windowed };
  std::string root = "cifar10";
  std::int64_t image_size = 64;
  std::string normalize = "auto";
  std::vector<double> mean, std;  // given values; empty: what `normalize` says
  SubsetConfig subset;
  Order order = Order::random;
  std::int64_t window_mib = 1024;
  bool cache_features = true;
  std::int64_t workers = -1;
  std::int64_t prefetch = 2;
  void fields(FieldVisitor& v);
};

struct TrainConfig {
  enum class Method { gradient, ridge };
  Method method = Method::gradient;
  std::int64_t epochs = 100;
  std::int64_t batch_size = 512;
  std::int64_t micro_batch = 0;
  std::int64_t eval_every = 1;
  std::int64_t log_every = 50;
  std::int64_t max_bad_steps = 10;
  void fields(FieldVisitor& v);
};

struct CheckpointConfig {
  std::int64_t every_epochs = 1;
  std::int64_t every_steps = 0;
  std::int64_t every_minutes = 30;
  std::int64_t keep_last = 2;
  std::int64_t keep_best = 1;
  std::vector<std::int64_t> keep_epochs;
  void fields(FieldVisitor& v);
};

// Everything a run is decided by; `config.yaml` of a run is this, printed.
struct RunConfig {
  RunSection run;
  DeviceConfig device;
  Chosen<ModelConfig> model;
  DataConfig data;
  AugmentConfig augment;
  LossConfig loss;
  Chosen<OptimizerConfig> optim;
  Chosen<ScheduleConfig> schedule;
  TrainConfig train;
  CheckpointConfig checkpoint;

  RunConfig();  // b_mlp, lion, constant
  void fields(FieldVisitor& v);

  std::vector<KeyRow> rows() const;
  std::string yaml(const Origins* origins = nullptr) const;
};

// `file`: a path, or the bare name of a shipped config; none: the defaults. A `base: FILE` key (one level;
// looked up beside the file, then among the shipped ones) is laid below it, `overrides` above. A model.name
// such as "B-12/1024" sets the family, depth and width (and data.image_size, when it says "res_64") unless
// its own layer sets them too.
// `layer` lies between the file and the overrides.
RunConfig load_run_config(const std::optional<std::string>& file, std::vector<ConfigNode> overrides,
                          Origins* origins = nullptr, std::optional<ConfigNode> layer = std::nullopt);

// The same from the YAML a checkpoint carries.
RunConfig parse_run_config(const std::string& yaml, const std::string& source,
                           std::vector<ConfigNode> overrides);

std::vector<std::string> shipped_configs();  // file names, sorted

// The path `file` stands for; not found: Error(usage) with the nearest shipped name.
std::filesystem::path find_config(const std::string& file);

// data.workers resolved for a device: -1 is one thread on a CPU, which has its own work, and on CUDA one a
// core but one, up to 16.
std::int64_t resolve_workers(const DataConfig& config, const Device& device);

// data.normalize resolved for a training set: the given values, or the family's, or the pack's statistics.
ChannelStatistics resolve_normalization(const DataConfig& config, const DatasetInfo& training_set);

}  // namespace smlp
