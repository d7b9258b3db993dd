#pragma once
#include <torch/nn/module.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace smlp {

// bfloat16 copies of a module's parameters, which take their place in a forward and backward pass: every
// activation is then bfloat16, each weight is converted once a step (frozen ones once), and gradients come as
// bfloat16. The float32 parameters stay what is trained and saved. Norms keep theirs in float32 where their
// operations mix types: batch norm, and on a CPU layer norm, whose statistics would otherwise be bfloat16.
// Only what changed since is converted; of trained ones that is every one, unless they are written elsewhere.
class Bf16Weights {
 public:
  explicit Bf16Weights(const torch::nn::Module& module);

  // The copy of a trained parameter; undefined where it has none. Whoever changes the parameter without a
  // mark in its version (torch's in-place operations leave one) and writes the copy too says so once.
  torch::Tensor copy_of(const torch::Tensor& parameter) const;
  void copies_are_written() { copies_are_written_ = true; }

  // Converts what was changed since, with a mark, of the parameters whose conversion is no part of every
  // step, and so of no captured one.
  void follow_changes();

  // Converts the parameters as they are now; the module computes with the copies while it lives.
  class Scope {
   public:
    explicit Scope(Bf16Weights& weights);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Bf16Weights& weights_;
  };

 private:
  struct Weights {
    std::vector<torch::Tensor> parameters, masters, copies;  // masters: the parameters' own float32 memory
    std::vector<std::optional<std::int64_t>> versions;       // of the masters when they were converted
  };
  static void convert(Weights& weights, bool all);
  static void use(const Weights& weights, const std::vector<torch::Tensor>& data);

  Weights trained_, frozen_;
  bool copies_are_written_ = false;
};

}  // namespace smlp
