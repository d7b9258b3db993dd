#pragma once
#include <torch/types.h>

#include <cstdint>
#include <optional>

#include "smlp/train/experiment.hpp"
#include "smlp/train/features.hpp"

namespace smlp {

struct LinearHead {
  torch::Tensor weight;  // [classes, width] float64
  torch::Tensor bias;    // [classes] float64
};

// Least squares from features to one-hot labels with a penalty on the weights, not on the bias:
//   min over W, b of  Σ ‖W·x + b − y‖²  +  penalty · s · ‖W‖²
// where s is the mean variance of a feature times the number of images, so that a penalty means the same for
// any model and data. Equals sklearn.linear_model.Ridge(alpha = penalty · s). Holds the sums that decide the
// solution, in float64, and not the features: its memory does not grow with the images.
class RidgeRegression {
 public:
  RidgeRegression(std::int64_t width, std::int64_t classes, torch::Device device);

  void add(const torch::Tensor& features, const torch::Tensor& labels);  // [B, width], [B] int64
  // To be called before solve(). Features that are all the same: Error(data); not finite: Error(not_finite).
  void decompose();
  LinearHead solve(double penalty) const;  // penalty > 0

  torch::Tensor rotate(const torch::Tensor& features) const;  // into the eigenvectors' basis
  // [B, classes]: for images that were added, what a fit with the same alpha and without that one image would
  // answer for it (Allen 1974: the residual over one minus the leverage).
  torch::Tensor left_out_scores(const torch::Tensor& rotated, const torch::Tensor& labels,
                                double penalty) const;

 private:
  double images_ = 0;
  torch::Tensor features_sum_, labels_sum_;   // [width], [classes]
  torch::Tensor products_, targets_;          // [width, width], [width, classes]
  torch::Tensor values_, vectors_, rotated_;  // of the centred products; vectorsᵀ · centred targets
  double scale_ = 0;
};

struct RidgeChoice {
  double penalty = 0;
  double left_out_top1 = 0;  // % of the training images, each answered without itself
};

// Fits the model's head, which must be one linear layer (else Error(usage)), to the cached features of the
// training images, with the penalty of 10⁻⁸, 10⁻⁷·⁵, … 10² that does best when each image is left out in turn
// (of equals, the largest). nullopt when a stop signal came in between; the head is then what it was.
std::optional<RidgeChoice> fit_ridge_head(Experiment& experiment, FeatureCache& cache);

}  // namespace smlp
