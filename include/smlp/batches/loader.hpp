#pragma once
#include <c10/core/Event.h>
#include <c10/core/Stream.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "smlp/batches/batch.hpp"
#include "smlp/batches/device_renderer.hpp"

namespace smlp {

// Hands out the batches of steps [first_step, last_step) strictly in order. With workers > 0 that many
// threads render up to `prefetch` batches each ahead; with 0 next() renders, on LibTorch's threads. Their
// number changes no batch. On CUDA they gather packed pixels in pinned memory, which are copied and rendered
// on a stream beside the computation's, without waiting; where the source has no renderer for the device, the
// images are rendered before they are copied. The host gets no more than batches_in_flight ahead of a device,
// whose memory would fill up.
class BatchLoader {
 public:
  // image_type: of images that are rendered on the device, float32 or bfloat16; others are float32.
  BatchLoader(std::shared_ptr<const BatchSource> source, std::int64_t first_step, std::int64_t last_step,
              int workers, int prefetch, torch::Device device,
              torch::ScalarType image_type = torch::kFloat32);
  ~BatchLoader();  // lets each worker finish the batch it is rendering
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  static constexpr std::int64_t batches_in_flight = 3;

  // The next step's batch. What a worker threw while making it is thrown here. Error(failed) after the last.
  Batch next();

 private:
  struct Made {
    Batch batch;
    std::exception_ptr error;
  };
  void work();
  Batch make(std::int64_t step);
  void wait_for_device();
  Batch take();
  Batch to_device(Batch batch) const;

  const std::shared_ptr<const BatchSource> source_;
  const std::int64_t last_step_;
  const std::int64_t ahead_;  // batches rendered and not yet handed out, at most
  const torch::Device device_;
  std::optional<c10::Stream> copy_stream_;                // of a device that has streams
  const std::unique_ptr<const DeviceRenderer> renderer_;  // null: the source renders
  std::deque<c10::Event> handed_out_;  // reached when the device has done what preceded each of these batches
  HostBuffers buffers_;

  std::mutex mutex_;
  std::condition_variable room_, ready_;
  std::map<std::int64_t, Made> made_;
  std::int64_t to_make_, to_hand_out_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace smlp
