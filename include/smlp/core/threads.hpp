#pragma once
#include <cstdint>
#include <functional>

namespace smlp {

// Cores this process may run on (its affinity mask), at least 1.
int available_cores();

// Runs body(i) for i in [0, n) on up to `threads` threads (0: one a core), taking the next i as each is free.
// The first exception thrown by a body stops the rest and is rethrown here.
void for_each_index(std::int64_t n, int threads, const std::function<void(std::int64_t)>& body);

}  // namespace smlp
