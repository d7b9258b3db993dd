#pragma once
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "smlp/train/config_files.hpp"
#include "smlp/train/experiment.hpp"
#include "smlp/train/tensor_file.hpp"

namespace smlp::testing {

// A small model on 200 images of the embedded data set, in batches of 64: ten steps make three epochs.
inline RunConfig small_config(const std::filesystem::path& folder, std::vector<std::string> settings = {}) {
  for (const std::string base :
       {"device.type=cpu", "device.precision=fp32", "device.threads=1", "model.width=16", "model.depth=2",
        "data.per_class=20", "data.workers=0", "train.batch_size=64", "train.epochs=3", "train.log_every=100",
        "checkpoint.every_epochs=0"}) {
    const std::string key = base.substr(0, base.find('=') + 1);
    if (std::none_of(settings.begin(), settings.end(),
                     [&](const std::string& each) { return each.starts_with(key); }))
      settings.push_back(base);
  }
  settings.push_back("run.output=" + folder.string());
  std::vector<ConfigNode> overrides;
  for (const std::string& assignment : settings) overrides.push_back(parse_override(assignment));
  return load_run_config("quickstart.yaml", std::move(overrides));
}

inline Experiment small_experiment(const std::filesystem::path& folder,
                                   const std::vector<std::string>& more = {}) {
  return make_experiment(small_config(folder, more));
}

inline std::vector<torch::Tensor> weights_of(const Model& model) {
  std::vector<torch::Tensor> weights;
  for (const auto& [name, tensor] : named_tensors(model)) weights.push_back(tensor.detach().clone());
  return weights;
}

}  // namespace smlp::testing
