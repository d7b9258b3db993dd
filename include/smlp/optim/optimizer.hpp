#pragma once
#include <torch/nn/module.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "smlp/nn/model.hpp"
#include "smlp/optim/optimizer_config.hpp"

namespace smlp {

// A parameter as an optimiser sees it. Frozen ones never reach it.
struct Parameter {
  std::string name;
  torch::Tensor value;
  double lr = 0;  // before the schedule's factor
  double weight_decay = 0;
  Role role = Role::hidden;
};

// What changes from step to step, as float32 tensors [] on the parameters' device, so that nothing
// synchronises and nothing is frozen in a captured graph.
struct StepInputs {
  torch::Tensor lr_factor;    // the schedule's factor
  torch::Tensor clip_factor;  // gradients are multiplied by it
  torch::Tensor bad;  // 1: the loss or a gradient is not finite, or the step is left out: parameters and
                      // state keep their old values (selected, not multiplied: 0 × NaN is NaN); 0: update
};

// Tensors an optimiser keeps, by parameter name, then by torch's own name of the state ("exp_avg",
// "momentum_buffer").
using OptimizerState = std::map<std::string, std::map<std::string, torch::Tensor>>;

class Optimizer {
 public:
  explicit Optimizer(std::vector<Parameter> parameters) : parameters_(std::move(parameters)) {}
  virtual ~Optimizer() = default;

  // Where the gradients of the next step are to be taken: a new tensor for each parameter, of its type and
  // shape. Empty: at the parameters.
  virtual std::vector<torch::Tensor> gradient_points() { return {}; }

  // One update from the parameters' .grad(), which it may change. Does not synchronise with the device.
  virtual void step(const StepInputs& inputs) = 0;

  // Whether the gradients may be bfloat16; otherwise float32.
  virtual bool reads_bf16() const { return false; }

  // From now on step() also writes what it made of each parameter, rounded to bfloat16, to these: one for a
  // parameter, of its shape, undefined for none. false: this one does not.
  virtual bool write_copies(std::vector<torch::Tensor> /*copies*/) { return false; }

  // The live tensors: copy before keeping. Restored by copying into them (train/checkpoint).
  virtual OptimizerState state() const = 0;
  const std::vector<Parameter>& parameters() const { return parameters_; }

 protected:
  std::vector<Parameter> parameters_;
};

// The model's parameters with the config's groups, Model::rate and, under µP, the rates by width applied;
// requires_grad is cleared on frozen ones. A pattern that matches nothing: Error(usage) naming it and the
// nearest tensor name.
std::vector<Parameter> group_parameters(Model& model, const OptimizerConfig& config);

}  // namespace smlp
