#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "smlp/models/model_config.hpp"
#include "smlp/models/preset.hpp"
#include "smlp/models/tensor_shapes.hpp"

namespace smlp {

// One row a model family: all that is known of it outside its own files.
struct ModelFamily {
  const char* name;
  std::unique_ptr<ModelConfig> (*make)();   // its keys, with their defaults
  const std::vector<Preset>& (*presets)();  // names of its models
  // What weights of the family say of their model; nullopt when its tensors are not there, Error(data) when
  // they contradict one another. Checks every layer, so that no model larger than its file is ever built.
  std::optional<RecognisedModel> (*recognise)(const TensorShapes& shapes);
};

// Every family, in the order of listings.
std::span<const ModelFamily> model_table();

// The model that a preset's name means: its keys with model.name, the family, first. Of no family: nullopt.
std::optional<KeyValues> find_preset(const std::string& name);

// Whether it is a family's or a preset's name.
bool names_a_model(const std::string& name);

// For messages, of a name that is no model's: what there is, and the nearest: "the models are b_mlp, s_mlp,
// and by name B-12/1024, …".
std::string model_names(const std::string& instead_of);

// The model of the first family that recognises the tensors; nullopt: none does. Tensors that contradict one
// another: Error(data).
std::optional<RecognisedModel> recognise(const TensorShapes& shapes);

}  // namespace smlp
