#pragma once
#include <filesystem>
#include <map>
#include <memory>

#include "smlp/formats/npy.hpp"
#include "smlp/train/experiment.hpp"

namespace smlp {

// The body's features of the images an experiment uses, computed once and kept in mapped files of a folder,
// which is removed with this. Only for a frozen body and images that are not augmented.
class FeatureCache {
 public:
  explicit FeatureCache(std::filesystem::path folder);
  ~FeatureCache();
  FeatureCache(const FeatureCache&) = delete;
  FeatureCache& operator=(const FeatureCache&) = delete;

  // The features of a part's images, in its order, made when first asked for. Null when a stop signal came in
  // between.
  std::shared_ptr<const NpyFile> features(Experiment& experiment, Part part);

 private:
  const std::filesystem::path folder_;
  std::map<Part, std::shared_ptr<const NpyFile>> files_;
};

}  // namespace smlp
