#include "run_writer.hpp"

#include <algorithm>
#include <array>

#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/run/sessions.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/run_folder.hpp"

namespace smlp {

RunWriter::RunWriter(const c10::intrusive_ptr<ImageStream>& images) {
  Experiment& experiment = images->experiment();
  experiment.device.description = fmt::format("{} (Python)", experiment.device.torch.str());
  run_ = make_run_folder(experiment);
  lock_.emplace(run_ / "lock", fmt::format("{}: this run is being written", run_.string()));
  write_run_files(run_, experiment);
  sinks_.emplace(run_, nullptr);
  state_.classes = experiment.train_set->info().classes;
  state_.data_fingerprint = experiment.train_set->fingerprint();
  state_.normalization = experiment.normalization;
  state_.config = experiment.config.yaml();
  keep_last_ = experiment.config.checkpoint.keep_last;
}

void RunWriter::check_open() const {
  if (!lock_) fail(ErrorKind::usage, "{}: the run has ended", run_.string());
}

void RunWriter::log(const std::string& kind, std::int64_t step, double epoch,
                    const c10::Dict<std::string, double>& values) {
  check_open();
  constexpr std::array own{"kind", "step", "epoch"};
  MetricRow row{kind, step, epoch, {}};
  for (const auto& item : values) {
    if (std::ranges::find(own, item.key()) != own.end())
      fail(ErrorKind::usage, "{} is the line's own: give the value another name", item.key());
    row.values.emplace_back(item.key(), item.value());
  }
  sinks_->write(row);
}

std::string RunWriter::save(std::int64_t step, const TensorsByName& model) {
  check_open();
  if (model.empty()) fail(ErrorKind::usage, "no tensor to save");
  CheckpointPart part{"model", {}, CheckpointPart::Needed::to_use};
  for (const auto& item : model) part.tensors.emplace_back(item.key(), item.value());
  state_.step = step;
  state_.log_sizes = sinks_->sizes();
  sinks_->sync();
  save_checkpoint(run_, {part}, state_);
  try {
    update_links(run_, step, std::nullopt);
  } catch (const Error& error) {  // a file system without links
    smlp::log().warn("{}", error.what());
  }
  prune_checkpoints(run_, keep_last_, {});
  return checkpoint_folder(run_, step).string();
}

void RunWriter::end(const std::string& reason) {
  sinks_->sync();
  end_last_session(run_, reason.empty() ? SessionEnd::finished : SessionEnd::failed, reason);
  lock_.reset();
}

}  // namespace smlp
