#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "smlp/pack/sources/source.hpp"

namespace smlp {

// One class's images on their way to the splits: held back until it is known that the class has min_images of
// them, and while they may be among the `holdout` that become the test split: those whose names have the
// smallest hashes, whatever their order. Over 1 GiB held back: Error(data).
class ClassImages {
 public:
  ClassImages(std::string name, const SourceRequest& request, const SampleSink& sink, NamedLabels& labels);

  void add(RawSample&& sample);
  // False: the class had too few images and gave none. None left to train on: Error(data).
  bool finish();
  std::int64_t count() const { return count_; }
  std::size_t held() const { return held_; }  // bytes held back

 private:
  void hold_back(std::size_t bytes);
  void release_early();
  void choose(RawSample&& sample);
  void give(const std::string& split, RawSample&& sample);

  std::string name_;
  const SourceRequest& request_;
  const SampleSink& sink_;
  NamedLabels& labels_;
  std::int64_t count_ = 0;
  std::size_t held_ = 0;
  std::vector<RawSample> early_;
  std::map<std::string, RawSample> aside_;  // by the hash of its name
};

}  // namespace smlp
