#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <string>

namespace smlp::testing {

// A second device that every machine has, in the slot that LibTorch's dispatcher keeps for HPUs. Its memory
// is the host's and the CPU computes for it, so results are the CPU's bits; but an operation that mixes its
// tensors with the host's is refused as a real device would, and what it is asked to do is counted.
c10::Device fake_device();

struct FakeDeviceUse {
  std::int64_t operations = 0;  // kernels it was asked for, fills and copies within it among them
  std::int64_t to_host = 0;     // copies and single values the host waited for
  std::int64_t to_device = 0;   // copies from the host
};

// Since the program began.
FakeDeviceUse fake_device_use();
FakeDeviceUse operator-(const FakeDeviceUse& a, const FakeDeviceUse& b);

// While it lives, the device errs: what the operation "aten::NAME" computes goes through `how`, as does what
// is copied "to_device".
class FakeDeviceFault {
 public:
  FakeDeviceFault(std::string operation, std::function<void(const at::Tensor&)> how);
  ~FakeDeviceFault();
  FakeDeviceFault(const FakeDeviceFault&) = delete;
  FakeDeviceFault& operator=(const FakeDeviceFault&) = delete;
};

}  // namespace smlp::testing
