#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smlp/data/dataset.hpp"
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

  // The features of `chosen` (empty: all) of a data set, made when first asked for under this name. Null when
  // a stop signal came in between.
  std::shared_ptr<const NpyFile> features(const std::string& name, Experiment& experiment,
                                          std::shared_ptr<const Dataset> dataset,
                                          const std::vector<std::int64_t>& chosen);

 private:
  const std::filesystem::path folder_;
  std::map<std::string, std::shared_ptr<const NpyFile>> files_;
};

}  // namespace smlp
