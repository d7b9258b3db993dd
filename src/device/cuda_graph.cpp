#include "smlp/device/cuda_graph.hpp"

#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#ifdef SMLP_CUDA_HEADERS
#include <c10/cuda/CUDACachingAllocator.h>
#endif

#include <atomic>

#include "driver_library.hpp"

namespace smlp {
namespace {

c10::Stream graph_stream(c10::Device device) {
  static const c10::Stream stream =
      c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device);
  return stream;
}

#ifdef SMLP_CUDA_HEADERS

constexpr const char* headers_problem = "";

// The allocator's interface is virtual, so that nothing of libtorch_cuda.so needs to be linked.
c10::cuda::CUDACachingAllocator::CUDAAllocator& allocator() {
  return *static_cast<c10::cuda::CUDACachingAllocator::CUDAAllocator*>(c10::GetAllocator(c10::kCUDA));
}

c10::MempoolId_t pool_id(std::uint64_t pool) {
  return {pool, 0};
}

// While it lives, memory for work on `stream` comes from a pool that nothing else uses.
class PoolScope {
 public:
  PoolScope(c10::Device device, std::uint64_t pool, void* stream) : device_(device), pool_(pool) {
    allocator().beginAllocateToPool(device.index(), pool_id(pool), [stream](cudaStream_t asked) {
      return static_cast<void*>(asked) == stream;
    });
  }
  ~PoolScope() { allocator().endAllocateToPool(device_.index(), pool_id(pool_)); }
  PoolScope(const PoolScope&) = delete;
  PoolScope& operator=(const PoolScope&) = delete;

 private:
  c10::Device device_;
  std::uint64_t pool_;
};

void release_pool(c10::Device device, std::uint64_t pool) {
  allocator().releasePool(device.index(), pool_id(pool));
}

#else

constexpr const char* headers_problem =
    "this program was built with a LibTorch that has no CUDA headers beside it (nvidia/cu13/include)";

struct PoolScope {
  PoolScope(c10::Device, std::uint64_t, void*) {}
};
void release_pool(c10::Device, std::uint64_t) {}

#endif

std::uint64_t next_pool() {
  static std::atomic<std::uint64_t> last{std::uint64_t{1} << 40};  // far from LibTorch's own numbers
  return ++last;
}

// Records what work() launches on `stream`. An exception leaves no recording open.
void* record(void* stream, const std::function<void()>& work) {
  constexpr int thread_local_mode = 1;  // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: loader threads may allocate
  DriverLibrary& driver = driver_library();
  void* graph = nullptr;
  driver.must("cuStreamBeginCapture_v2", stream, thread_local_mode);
  try {
    work();
  } catch (...) {
    driver.call("cuStreamEndCapture", stream, &graph);
    if (graph != nullptr) driver.call("cuGraphDestroy", graph);
    throw;
  }
  driver.must("cuStreamEndCapture", stream, &graph);
  return graph;
}

}  // namespace

std::string CudaGraph::problem() {
  return headers_problem;
}

CudaGraph::CudaGraph(c10::Device device, const std::function<void()>& work)
    : device_(device), pool_(next_pool()) {
  DriverLibrary& driver = driver_library();
  void* graph = nullptr;
  try {
    on_graph_stream(device, [&] {
      void* const stream = graph_stream(device).native_handle();
      const PoolScope memory(device, pool_, stream);
      graph = record(stream, work);
    });
    driver.must("cuGraphInstantiateWithFlags", &executable_, graph, 0ull);
  } catch (...) {
    release_pool(device, pool_);
    throw;
  }
  driver.must("cuGraphDestroy", graph);
}

CudaGraph::~CudaGraph() {
  if (executable_ != nullptr) driver_library().call("cuGraphExecDestroy", executable_);
  release_pool(device_, pool_);
}

void CudaGraph::replay() const {
  const c10::impl::VirtualGuardImpl guard(device_.type());
  driver_library().must("cuGraphLaunch", executable_, guard.getStream(device_).native_handle());
}

void on_graph_stream(c10::Device device, const std::function<void()>& work) {
  const c10::impl::VirtualGuardImpl guard(device.type());
  const c10::Stream current = guard.getStream(device), own = graph_stream(device);
  const auto wait = [&](const c10::Stream& waiting, const c10::Stream& other) {
    c10::Event reached(device.type());
    reached.record(other);
    reached.block(waiting);
  };
  wait(own, current);
  try {
    const c10::StreamGuard switched(own);
    work();
  } catch (...) {
    wait(current, own);
    throw;
  }
  wait(current, own);
}

}  // namespace smlp
