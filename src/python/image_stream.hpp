#pragma once
#include <torch/custom_class.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "smlp/batches/loader.hpp"
#include "smlp/train/experiment.hpp"

namespace smlp {

// The batches of a run's images: the endless stream of training images, or one pass over those of an
// evaluation.
class ImageStream : public torch::CustomClassHolder {
 public:
  // source: what config_of() takes. part: "train", "holdout" or "test". Of a batch of the training's, rank r
  // of `world` gets the r-th equal part.
  ImageStream(const std::string& source, const std::vector<std::string>& settings, const std::string& part,
              torch::Device device, std::int64_t rank, std::int64_t world);

  // images [B, 3, S, S] float, labels [B] int64, and under MixUp the labels of the images mixed in [B] int64
  // and the share of the labels' own images [] float.
  using Tensors =
      std::tuple<torch::Tensor, torch::Tensor, std::optional<torch::Tensor>, std::optional<torch::Tensor>>;
  Tensors next();

  std::int64_t step() const { return step_; }  // of the batch that next() gives
  void seek(std::int64_t step);
  // Steps after which `epoch` (from 1) is whole; of an evaluation's, those of one pass.
  std::int64_t step_of_epoch(std::int64_t epoch) const;
  std::int64_t epochs_at(std::int64_t step) const;  // whole epochs after `step` steps

  std::string config() const { return experiment_.config.yaml(); }
  std::int64_t batch_size() const { return experiment_.plan.batch_size; }  // over all ranks
  std::int64_t seed() const { return experiment_.config.run.seed; }
  std::int64_t epochs() const { return experiment_.config.train.epochs; }
  std::int64_t images() const;  // of an epoch
  std::int64_t image_size() const { return experiment_.image_size(); }
  std::vector<std::string> classes() const;
  std::vector<double> mean() const { return experiment_.normalization.mean; }
  std::vector<double> std() const { return experiment_.normalization.std; }
  Experiment& experiment() { return experiment_; }

 private:
  void open_source();

  Experiment experiment_;  // its data and plan; without a model
  Part part_;
  torch::Device device_;
  std::shared_ptr<const BatchSource> source_;
  std::int64_t last_step_ = 0, step_ = 0;
  std::unique_ptr<BatchLoader> loader_;  // null: to be made when a batch is wanted
};

// The configuration that `source` means: a run's or a checkpoint's folder, a configuration file or the name
// of a shipped one; else the defaults on the packed data set of that root. settings: "key=value", laid on it.
RunConfig config_of(const std::string& source, const std::vector<std::string>& settings);

}  // namespace smlp
