#pragma once
#include <torch/custom_class.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "image_stream.hpp"
#include "network.hpp"
#include "smlp/core/file_lock.hpp"
#include "smlp/run/sinks.hpp"

namespace smlp {

// The folder of a run whose steps are somebody else's: the configuration of its images, log files,
// checkpoints.
class RunWriter : public torch::CustomClassHolder {
 public:
  // A new folder run.output/run.name of the configuration of the stream, which is named by it.
  explicit RunWriter(const c10::intrusive_ptr<ImageStream>& images);

  std::string folder() const { return run_.string(); }
  void log(const std::string& kind, std::int64_t step, double epoch,
           const c10::Dict<std::string, double>& values);
  // A checkpoint of these tensors as a model's, after `step` steps, and the logs with it; durable when it
  // returns.
  std::string save(std::int64_t step, const TensorsByName& model);
  // Says in env.json how it ended: "" for well, else why it failed. Writing after that is Error(usage).
  void end(const std::string& reason);

 private:
  void check_open() const;

  std::filesystem::path run_;
  TrainingState state_;
  std::optional<FileLock> lock_;
  std::optional<Sinks> sinks_;
  std::int64_t keep_last_;
};

}  // namespace smlp
