#include "smlp/optim/registry.hpp"

#include "smlp/optim/adamw.hpp"
#include "smlp/optim/lion.hpp"
#include "smlp/optim/muon.hpp"
#include "smlp/optim/schedule_free.hpp"
#include "smlp/optim/sgd.hpp"

namespace smlp {

std::span<const FamilyRow<OptimizerConfig>> optimizer_table() {
  static constexpr FamilyRow<OptimizerConfig> rows[] = {
      {"lion", [] { return std::unique_ptr<OptimizerConfig>(new LionConfig); }},
      {"sgd", [] { return std::unique_ptr<OptimizerConfig>(new SgdConfig); }},
      {"adamw", [] { return std::unique_ptr<OptimizerConfig>(new AdamWConfig); }},
      {"muon", [] { return std::unique_ptr<OptimizerConfig>(new MuonConfig); }},
      {"schedule_free", [] { return std::unique_ptr<OptimizerConfig>(new ScheduleFreeConfig); }},
  };
  return rows;
}

std::span<const FamilyRow<ScheduleConfig>> schedule_table() {
  static constexpr FamilyRow<ScheduleConfig> rows[] = {
      {"constant", [] { return std::unique_ptr<ScheduleConfig>(new ConstantSchedule); }},
      {"cosine", [] { return std::unique_ptr<ScheduleConfig>(new CosineSchedule); }},
      {"step", [] { return std::unique_ptr<ScheduleConfig>(new StepSchedule); }},
      {"wsd", [] { return std::unique_ptr<ScheduleConfig>(new WsdSchedule); }},
  };
  return rows;
}

}  // namespace smlp
