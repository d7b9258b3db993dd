#pragma once
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <string>

namespace smlp {

// Work on a CUDA device recorded once and launched as a whole: a step of hundreds of small kernels costs the
// host one call. Tensors made while recording keep their addresses; every replay reads its inputs where they
// were and writes its results where they were.
class CudaGraph {
 public:
  // Why nothing can be recorded by this program; empty when it can.
  static std::string problem();

  // Calls work() on a stream of its own, without running it: what it launches is recorded. It must have run
  // before (lazy initialisation cannot be recorded), wait for nothing and draw no random numbers. What
  // LibTorch refuses while recording is thrown.
  CudaGraph(c10::Device device, const std::function<void()>& work);
  ~CudaGraph();
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;

  // Launches the recorded work on LibTorch's current stream.
  void replay() const;

 private:
  c10::Device device_;
  std::uint64_t pool_;
  void* executable_ = nullptr;
};

// Calls work() on the stream that the device's graphs are recorded on, after what was queued before, and what
// is queued afterwards waits for it.
void on_graph_stream(c10::Device device, const std::function<void()>& work);

}  // namespace smlp
