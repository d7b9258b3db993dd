#pragma once
#include <vector>

namespace smlp {

// How wide the vectors are that a loop of our own is compiled for.
enum class VectorCode { baseline, avx2, avx512 };

const char* vector_code_name(VectorCode code);
// Those that the processor runs, the widest last.
const std::vector<VectorCode>& vector_codes();
// The widest; set_vector_code: another of them, for the process, to be compared with it.
VectorCode vector_code();
void set_vector_code(VectorCode code);

#if defined(__x86_64__)
#define SMLP_TARGET(features) [[gnu::target(features)]]
#else
#define SMLP_TARGET(features)
#endif

template <class Loop, class... Args>
SMLP_TARGET("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
void run_avx512(const Args&... args) {
  Loop::run(args...);
}
template <class Loop, class... Args>
SMLP_TARGET("avx2,fma")
void run_avx2(const Args&... args) {
  Loop::run(args...);
}

// Loop::run(args…), which the compiler turns into the vector instructions of each code, in vector_code(). It
// and what it calls are `[[gnu::always_inline]] inline`. Codes may differ in the last bits of a result: the
// wider ones round a product and its sum once.
template <class Loop, class... Args>
void run_vectorized(const Args&... args) {
  switch (vector_code()) {
    case VectorCode::avx512:
      return run_avx512<Loop>(args...);
    case VectorCode::avx2:
      return run_avx2<Loop>(args...);
    case VectorCode::baseline:
      return Loop::run(args...);
  }
}

}  // namespace smlp
