#pragma once
#include <functional>
#include <future>
#include <vector>

#include "smlp/train/checkpoint.hpp"

namespace smlp {

// Writes checkpoints beside the training: the caller waits only until the tensors are copied on a CPU, or
// until their copies are queued on a CUDA device. One is written at a time. Where there is no host memory for
// the copies, a warning says so and the caller waits while the tensors themselves are written.
class CheckpointWriter {
 public:
  using Write = std::function<void(const std::vector<CheckpointPart>&)>;

  CheckpointWriter() = default;
  ~CheckpointWriter();  // waits; an error is lost
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  // Copies the parts' tensors as they are now, or will be when the device has done what is queued, and calls
  // `write` with the copies on another thread. Waits for the one before, and throws what it threw.
  void start(const std::vector<CheckpointPart>& parts, Write write);
  void wait();   // until nothing is being written; throws what was thrown meanwhile
  void check();  // the same, but waits for nothing

 private:
  bool make_room(const std::vector<CheckpointPart>& parts);
  void take_snapshot(const std::vector<CheckpointPart>& parts);

  std::vector<CheckpointPart> snapshot_;  // host memory, pinned for a device's tensors, used again
  std::future<void> writing_;
};

}  // namespace smlp
