#include "smlp/device/vector_code.hpp"

#include "smlp/device/capability.hpp"

namespace smlp {
namespace {

std::vector<VectorCode> found_codes() {
  std::vector<VectorCode> codes{VectorCode::baseline};
#if defined(__x86_64__)
  const CpuCapability& cpu = cpu_capability();
  if (!cpu.avx2 || !__builtin_cpu_supports("fma")) return codes;  // a virtual machine may hide either
  codes.push_back(VectorCode::avx2);
  if (cpu.avx512) codes.push_back(VectorCode::avx512);
#endif
  return codes;
}

VectorCode& chosen() {
  static VectorCode code = vector_codes().back();
  return code;
}

}  // namespace

const char* vector_code_name(VectorCode code) {
  switch (code) {
    case VectorCode::baseline:
      return "baseline";
    case VectorCode::avx2:
      return "AVX2";
    case VectorCode::avx512:
      return "AVX-512";
  }
  return "";
}

const std::vector<VectorCode>& vector_codes() {
  static const std::vector<VectorCode> codes = found_codes();
  return codes;
}

VectorCode vector_code() {
  return chosen();
}

void set_vector_code(VectorCode code) {
  chosen() = code;
}

}  // namespace smlp
