#pragma once
#include <torch/types.h>

#include <memory>
#include <vector>

namespace smlp {

// The processes that train one model together. Each asks it wherever all must come to the same answer: stop
// signals, bad steps, sums, when to save, who writes. This base is a world of one, in which nothing is done.
class World {
 public:
  World() = default;
  virtual ~World() = default;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }

  // Replaces each tensor by its sum over all ranks, which all get the same bits; every rank gives as many, of
  // the same shapes, in the same order. Does not wait for the device.
  virtual void sum(const std::vector<torch::Tensor>& tensors) { static_cast<void>(tensors); }

  // Whether the flag is set on any rank.
  virtual bool any(bool flag) { return flag; }

  bool writes() const { return rank() == 0; }  // run folders, logs and checkpoints are one rank's
};

}  // namespace smlp
