#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "smlp/formats/safetensors.hpp"
#include "smlp/models/tensor_shapes.hpp"

namespace smlp {

// The weights of one model in a file that other programs wrote: the tensors below a common prefix.
struct WeightSet {
  std::string name;  // the prefix without its last dot, "state_dict.model"; empty: the names have none
  RecognisedModel model;
  std::vector<SafetensorsEntry> tensors;  // their names without the prefix

  bool is_average() const;  // named as an average over training (EMA, SWA)
};

struct WeightSets {
  std::vector<WeightSet> sets;      // one or more, those of shorter names first
  std::vector<std::string> others;  // the names of tensors of no set, in bytewise order
};

// Every set of weights that a family recognises, whatever stands before its names: "module.", "state_dict.",
// "ema_model.". None: Error(data) naming `file` and what it holds instead.
WeightSets find_weight_sets(std::span<const SafetensorsEntry> tensors, const std::string& file);

// The one called `wanted`, or the one with that word in its name ("ema": "state_dict_ema"); without `wanted`
// the one that is no average. None or several: Error(data) with the names there are.
const WeightSet& choose_weights(const WeightSets& found, const std::optional<std::string>& wanted,
                                const std::string& file);

}  // namespace smlp
