#pragma once
#include <torch/custom_class.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "smlp/data/dataset.hpp"

namespace smlp {

// One split of a packed data set.
class PackedImages : public torch::CustomClassHolder {
 public:
  PackedImages(const std::string& root, const std::string& split);

  // [N, S, S, 3] uint8: the mapped file itself, which nobody may write to.
  torch::Tensor images() const;
  torch::Tensor labels() const;  // [N] int64, -1 without classes

  std::vector<std::string> classes() const { return dataset_->info().classes; }
  std::vector<double> mean() const { return dataset_->info().statistics.mean; }
  std::vector<double> std() const { return dataset_->info().statistics.std; }
  std::string description() const { return dataset_->description(); }

 private:
  std::shared_ptr<const Dataset> dataset_;
};

// Images [B, H, H, 3] uint8 → [B, 3, image_size, image_size] float, resized and normalised as an evaluation
// does it.
torch::Tensor render(const torch::Tensor& images, std::int64_t image_size, std::vector<double> mean,
                     std::vector<double> std);

}  // namespace smlp
