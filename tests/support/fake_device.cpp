#include "support/fake_device.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/HPUHooksInterface.h>
#include <ATen/native/Resize.h>
#include <ATen/native/TensorFactories.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/resize_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/alloc_cpu.h>
#include <torch/library.h>

#include <atomic>
#include <cstring>
#include <span>
#include <unordered_map>
#include <vector>

namespace smlp::testing {
namespace {

std::atomic<std::int64_t> operations, to_host, to_device;
struct {
  std::string operation;  // empty: none
  std::function<void(const at::Tensor&)> how;
} fault;

// `result` is the host's view of it.
void err(const std::string& operation, const at::Tensor& result) {
  if (!fault.operation.empty() && fault.operation == operation && result.defined()) fault.how(result);
}

struct Memory final : c10::DeviceAllocator {
  static void release(void* memory) { c10::free_cpu(memory); }
  c10::DataPtr allocate(std::size_t bytes) override {
    void* memory = c10::alloc_cpu(bytes);
    return {memory, memory, &release, fake_device()};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
  // It keeps none for itself, and no account.
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override { return {}; }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {}
};
Memory memory;

// One stream, on which everything is done at once.
struct Guard final : c10::impl::DeviceGuardImplInterface {
  static c10::Stream stream() { return c10::Stream(c10::Stream::DEFAULT, fake_device()); }
  c10::DeviceType type() const override { return c10::kHPU; }
  c10::Device exchangeDevice(c10::Device device) const override { return device; }
  c10::Device getDevice() const override { return fake_device(); }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override { return stream(); }
  c10::Stream getDefaultStream(c10::Device) const override { return stream(); }
  c10::Stream getStreamFromGlobalPool(c10::Device, bool) const override { return stream(); }
  c10::Stream exchangeStream(c10::Stream given) const override { return given; }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void**, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, c10::DeviceIndex) const noexcept override {}
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override {}
  void synchronizeEvent(void*) const override {}
  void synchronizeDevice(c10::DeviceIndex) const override {}
  void recordDataPtrOnStream(const c10::DataPtr&, const c10::Stream&) const override {}
};

using Tensor = at::Tensor;

// The same memory as a tensor of the CPU; an empty one may grow there.
Tensor on_host(const Tensor& tensor) {
  if (!tensor.defined() || !tensor.is_hpu()) return tensor;
  if (tensor.numel() == 0)
    return at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options().device(c10::kCPU));
  return at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(),
                       tensor.options().device(c10::kCPU));
}

// What the CPU computed, as the device's: it keeps the CPU's memory.
Tensor on_device(const Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  return at::from_blob(
      tensor.data_ptr(), tensor.sizes(), tensor.strides(), [tensor](void*) {},
      tensor.options().device(fake_device()), fake_device());
}

// The arguments of one operation with the device's tensors replaced by the host's view of them.
class Arguments {
 public:
  explicit Arguments(const c10::OperatorHandle& op) : op_(op) {}

  void take(c10::IValue& value) {
    if (value.isTensor()) {
      value = seen(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<Tensor> list;
      for (const Tensor& each : value.toTensorVector()) list.push_back(seen(each));
      value = list;
    } else if (value.isOptionalTensorList()) {
      c10::List<std::optional<Tensor>> list;
      for (const std::optional<Tensor>& each : value.toOptionalTensorVector())
        list.push_back(each ? std::optional(seen(*each)) : std::nullopt);
      value = list;
    } else if (value.isDevice()) {
      value = c10::Device(c10::kCPU);
    }
  }
  void check() const {
    TORCH_CHECK(!(any_of_device_ && any_of_host_), op_.schema().name(),
                ": tensors of the device and of the host");
  }
  Tensor given_back(const Tensor& result) const {
    const auto argument = originals_.find(result.unsafeGetTensorImpl());
    if (argument == originals_.end()) return on_device(result);
    const Tensor& original = argument->second;
    if (original.numel() == 0 && result.numel() > 0)  // an output that was made for it
      original.set_(on_device(result).storage(), 0, result.sizes(), result.strides());
    return original;
  }

 private:
  Tensor seen(const Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    if (!tensor.is_hpu()) {
      any_of_host_ |= tensor.dim() > 0;  // numbers may come from the host
      return tensor;
    }
    any_of_device_ = true;
    const Tensor same = on_host(tensor);
    originals_.emplace(same.unsafeGetTensorImpl(), tensor);
    keep_.push_back(same);
    return same;
  }

  const c10::OperatorHandle& op_;
  std::unordered_map<c10::TensorImpl*, Tensor> originals_;
  std::vector<Tensor> keep_;
  bool any_of_device_ = false, any_of_host_ = false;
};

void compute(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  ++operations;
  Arguments arguments(op);
  for (c10::IValue& value : std::span(*stack).last(op.schema().arguments().size())) arguments.take(value);
  arguments.check();
  op.callBoxed(stack);
  if (!op.schema().returns().empty() && stack->back().isTensor())
    err(op.schema().name(), stack->back().toTensor());
  for (c10::IValue& value : std::span(*stack).last(op.schema().returns().size())) {
    if (value.isTensor()) {
      value = arguments.given_back(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<Tensor> list;
      for (const Tensor& each : value.toTensorVector()) list.push_back(arguments.given_back(each));
      value = list;
    }
  }
}

Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> type, std::optional<at::Layout>,
             std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(sizes, &memory, c10::DispatchKeySet(c10::DispatchKey::HPU),
                                   c10::dtype_or_default(type), format);
}

Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides, std::optional<at::ScalarType> type,
                     std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(
      sizes, strides, &memory, c10::DispatchKeySet(c10::DispatchKey::HPU), c10::dtype_or_default(type));
}

Tensor copy_from(const Tensor& from, const Tensor& to, bool) {
  ++(from.is_hpu() ? to.is_hpu() ? operations : to_host : to_device);
  on_host(to).copy_(on_host(from));
  if (!from.is_hpu()) err("to_device", on_host(to));
  return to;
}

at::Scalar value_of(const Tensor& tensor) {
  ++to_host;
  return on_host(tensor).item();
}

}  // namespace

FakeDeviceFault::FakeDeviceFault(std::string operation, std::function<void(const Tensor&)> how) {
  fault = {std::move(operation), std::move(how)};
}

FakeDeviceFault::~FakeDeviceFault() {
  fault = {};
}

c10::Device fake_device() {
  return {c10::kHPU, 0};
}

FakeDeviceUse fake_device_use() {
  return {operations, to_host, to_device};
}

FakeDeviceUse operator-(const FakeDeviceUse& a, const FakeDeviceUse& b) {
  return {a.operations - b.operations, a.to_host - b.to_host, a.to_device - b.to_device};
}

}  // namespace smlp::testing

namespace {

using smlp::testing::Guard;
C10_REGISTER_GUARD_IMPL(HPU, Guard)

[[maybe_unused]] const bool registered = [] {
  c10::SetAllocator(c10::kHPU, &smlp::testing::memory);
  return true;
}();

TORCH_LIBRARY_IMPL(aten, HPU, library) {
  using namespace smlp::testing;
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("_copy_from", copy_from);
  library.impl("_local_scalar_dense", value_of);
  library.impl("as_strided", at::native::as_strided_tensorimpl);
  library.impl("view", at::native::view);
  library.impl("_reshape_alias", at::native::_reshape_alias);
  library.impl("resize_", at::native::resize_);
  library.impl("set_.source_Storage_storage_offset", at::native::set_storage_cpu_);
}

TORCH_LIBRARY_IMPL(_, HPU, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&smlp::testing::compute>());
}

}  // namespace

namespace at {

// The registry asks for a class of this name.
struct HPUHooks final : HPUHooksInterface {
  explicit HPUHooks(HPUHooksArgs) {}
  void init() const override {}
  bool hasHPU() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  DeviceIndex deviceCount() const override { return 1; }
  DeviceIndex getCurrentDevice() const override { return 0; }
  const Generator& getDefaultGenerator(DeviceIndex) const override {
    static const Generator generator = make_generator<CPUGeneratorImpl>();
    return generator;
  }
};
REGISTER_HPU_HOOKS(HPUHooks);

}  // namespace at
