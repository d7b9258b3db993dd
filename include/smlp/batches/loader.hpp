#pragma once
#include <c10/core/Stream.h>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "smlp/batches/batch.hpp"

namespace smlp {

// Hands out the batches of steps [first_step, last_step) strictly in order. With workers > 0 that many
// threads render up to `prefetch` batches each ahead; with 0 next() renders, on LibTorch's threads. Their
// number changes no batch. On CUDA the batch is rendered into pinned memory and copied on a stream beside the
// computation's, without waiting.
class BatchLoader {
 public:
  BatchLoader(std::shared_ptr<const BatchSource> source, std::int64_t first_step, std::int64_t last_step,
              int workers, int prefetch, torch::Device device);
  ~BatchLoader();  // lets each worker finish the batch it is rendering
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // The next step's batch. What a worker threw while making it is thrown here. Error(failed) after the last.
  Batch next();

 private:
  struct Made {
    Batch batch;
    std::exception_ptr error;
  };
  void work();
  Batch take();
  Batch to_device(Batch batch) const;

  const std::shared_ptr<const BatchSource> source_;
  const std::int64_t last_step_;
  const std::int64_t ahead_;  // batches rendered and not yet handed out, at most
  const torch::Device device_;
  std::optional<c10::Stream> copy_stream_;  // of a device that has streams
  HostBuffers buffers_;

  std::mutex mutex_;
  std::condition_variable room_, ready_;
  std::map<std::int64_t, Made> made_;
  std::int64_t to_make_, to_hand_out_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace smlp
