#pragma once
#include <cstdint>
#include <functional>
#include <string>

namespace smlp {

// How many threads are worth starting, at least 1, and what says so.
struct ThreadCount {
  int count = 1;
  std::string source;
};

// Cores this process may use: those of its affinity mask, or fewer where a control group's CPU quota, rounded
// up, is less.
ThreadCount usable_cores();
int available_cores();  // their number

// OMP_NUM_THREADS, as for every program of LibTorch's, where it is a number of 1 or more; else
// usable_cores().
ThreadCount default_threads();

// Runs body(i) for i in [0, n) on up to `threads` threads (0: one a core), taking the next i as each is free.
// The first exception thrown by a body stops the rest and is rethrown here.
void for_each_index(std::int64_t n, int threads, const std::function<void(std::int64_t)>& body);

}  // namespace smlp
