#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "smlp/config/print.hpp"
#include "smlp/config/read.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/data/augment.hpp"
#include "smlp/data/subset.hpp"
#include "smlp/device/device_config.hpp"
#include "smlp/models/model_config.hpp"
#include "smlp/optim/optimizer_config.hpp"
#include "smlp/optim/schedule.hpp"

namespace smlp {

struct RunSection {
  std::optional<std::string> name;  // null: date-model-data
  std::string output = "runs";
  std::int64_t seed = 0;
  std::string stop_signals = all_stop_signals;
  void fields(FieldVisitor& v);
};

// What a new run's weights are; a run that goes on has its own.
struct InitConfig {
  enum class Head { uniform, zero };  // as torch.nn.Linear draws it; all zeros
  std::optional<std::string> from;    // a run or checkpoint whose weights it starts with; null: drawn
  bool new_head = false;              // a new head also where the class lists are the same
  Head head = Head::uniform;          // of a new head
  void fields(FieldVisitor& v);
};

struct DataConfig {
  enum class Order { random, windowed };
  enum class Resident { automatic, on, off };
  std::string root = "cifar10";
  std::int64_t image_size = 64;
  std::string normalize = "auto";
  std::vector<double> mean, std;               // given values; empty: what `normalize` says
  std::optional<std::int64_t> permute_pixels;  // the permutation's seed; null: none
  SubsetConfig subset;
  Order order = Order::random;
  std::int64_t window_mib = 1024;
  Resident resident = Resident::automatic;
  bool cache_features = true;
  std::int64_t workers = -1;
  std::int64_t prefetch = 2;
  void fields(FieldVisitor& v);
};

struct LossConfig {
  double label_smoothing = 0.3;
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
  std::int64_t patience = 0;
  double ema = 0;
  double skip_zscore = 0;
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

// What was left open (`auto`) became this when the run was made. Written beside what was asked: a run that
// goes on takes it again, a new one from the same file resolves anew and says where it differs.
struct ResolvedConfig {
  DeviceType device = DeviceType::cpu;
  Precision precision = Precision::fp32;
  std::int64_t workers = 0;
  std::vector<double> mean, std;  // three of each
  void fields(FieldVisitor& v);
};

// Everything a run is decided by; `config.yaml` of a run is this, printed.
struct RunConfig {
  RunSection run;
  DeviceConfig device;
  Chosen<ModelConfig> model;
  InitConfig init;
  DataConfig data;
  AugmentConfig augment;
  LossConfig loss;
  Chosen<OptimizerConfig> optim;
  Chosen<ScheduleConfig> schedule;
  TrainConfig train;
  CheckpointConfig checkpoint;
  std::optional<ResolvedConfig> resolved;  // null: no run has been made of it

  RunConfig();  // b_mlp, lion, constant
  void fields(FieldVisitor& v);

  std::vector<KeyRow> rows() const;
  std::string yaml(const Origins* origins = nullptr) const;
};

}  // namespace smlp
