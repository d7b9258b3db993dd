#pragma once
#include <string>
#include <utility>

#include "smlp/formats/weights_file.hpp"
#include "smlp/models/weight_sets.hpp"
#include "smlp/run/training_state.hpp"
#include "smlp/train/import_weights.hpp"
#include "smlp/train/tensor_file.hpp"

namespace smlp {

// Weights that are no checkpoint, in a file of this program's exports or of another program: which model they
// are, and their values. What a file says of several sets, its data and its classes: ImportOptions, of which
// `to` is not used.
class ForeignWeights {
 public:
  explicit ForeignWeights(const ImportOptions& options);

  const ImportedWeights& about() const& { return about_; }
  ImportedWeights about() && { return std::move(about_); }
  const TrainingState& state() const { return state_; }  // as a checkpoint of them has it, at step 0
  NamedTensors tensors() const;  // under the model's names, float32; a copy, made anew by each call

 private:
  std::string file_;
  WeightsFile weights_;
  WeightSet set_;
  ImportedWeights about_;
  TrainingState state_;
};

}  // namespace smlp
