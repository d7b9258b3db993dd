#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smlp/data/dataset_info.hpp"
#include "smlp/run/image_preparation.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {

// imagenet21k, imagenet, tiny-imagenet, cifar10, cifar100, stl10, and the normalisation family of each.
std::vector<std::string> known_data();
std::optional<std::string> family_of_data(const std::string& name);

// The normalisation family that a file's name such as "B_12-Wi_1024_res_64_in21k_cifar100.pt" means: that of
// the data set it says last. None: nullopt.
std::optional<std::string> family_of_file_name(const std::string& name);

struct ImportOptions {
  std::filesystem::path from;         // a .pt of PyTorch, a safetensors or .npz file, or the index of several
  std::filesystem::path to;           // the checkpoint's folder, which must not exist
  std::optional<std::string> family;  // one of known_data(); default: config.json or the file's name says it
  std::filesystem::path classes;      // a class list; empty: as config.json says, or unknown
  std::optional<std::string> weights{};  // which of several sets; default: the one that is no average
  std::optional<ChannelStatistics> normalization{};  // goes over what is known of the data
};

struct ImportedWeights {
  // What the model was shown, and who says so.
  struct Data {
    std::string origin;  // the normalisation's family, "config.json", "the mixers published", …
    ChannelStatistics statistics;
    ImagePreparation preparation{};  // size 0: not known
    bool assumed = false;            // nothing in the file or its name says it
  };
  RunConfig config;  // the model's
  int classes = 0;
  Data data;
  bool described = false;  // config.json was there; else activation and the like are the published models'
  std::string set;         // what stood before the tensors' names: "state_dict.model"
  std::vector<std::string> other_sets{};
  std::vector<std::string> left_aside{};  // the names of other tensors
};

// Writes a checkpoint that eval, finetune, probe, export and viz take: weights as float32, no optimiser. A
// config.json of `smlp export` beside the file says what shapes cannot.
ImportedWeights import_weights(const ImportOptions& options);

// Writes TO/model.safetensors, or model.pt with `pt`, and TO/config.json with timm's keys, of what
// open_saved_model() opens. TO must not exist. merge: of what merge_model() makes of it; Error(usage) where
// that is refused.
void export_weights(const std::filesystem::path& from, const std::filesystem::path& to, bool pt,
                    bool best = false, bool merge = false);

}  // namespace smlp
