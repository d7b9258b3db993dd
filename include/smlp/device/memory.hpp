#pragma once
#include <c10/core/Device.h>

#include <cstdint>

namespace smlp {

// Anonymous memory of this process in bytes: its own, not the pages of mapped files (RssAnon of
// /proc/self/status); 0 where the kernel does not say.
std::int64_t anonymous_memory();

// The largest value seen by any call so far, this one included: call it where memory is at its height.
std::int64_t anonymous_memory_peak();

// The most memory in bytes that tensors took on this device at once, since the process began; 0 for a CPU.
std::int64_t device_memory_peak(c10::Device device);

}  // namespace smlp
