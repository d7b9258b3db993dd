#pragma once
#include <cstdint>
#include <functional>

namespace smlp {

// Calls body(0) … body(count - 1), in parallel on LibTorch's threads (at::get_num_threads()), on the calling
// one alone inside such a call; what one throws is thrown here. at::parallel_for would be serial: its loop
// lies in a header and needs our compiler to use the OpenMP library that LibTorch was built with.
void for_each_in_parallel(std::int64_t count, const std::function<void(std::int64_t)>& body);

}  // namespace smlp
