#include "smlp/device/capability.hpp"

#include <ATen/cpu/Utils.h>

namespace smlp {
namespace {

CpuCapability find_cpu_capability() {
  const auto known = at::cpu::get_cpu_capabilities();
  const auto has = [&](const char* name) {
    const auto found = known.find(name);
    return found != known.end() && found->second.isBool() && found->second.toBool();
  };
  CpuCapability cpu;
  if (const auto name = known.find("cpu_name"); name != known.end() && name->second.isString())
    cpu.name = name->second.toStringRef();
  cpu.avx2 = has("avx2");
  cpu.avx512 = has("avx512_f") && has("avx512_bw") && has("avx512_dq") && has("avx512_vl");
  cpu.avx512_bf16 = cpu.avx512 && has("avx512_bf16");
  cpu.amx_bf16 = has("amx_tile") && has("amx_bf16") && at::cpu::init_amx();
  return cpu;
}

}  // namespace

const CpuCapability& cpu_capability() {
  static const CpuCapability cpu = find_cpu_capability();
  return cpu;
}

std::string CpuCapability::instruction_sets() const {
  std::string text;
  const auto add = [&](bool present, const char* label) {
    if (present) text += (text.empty() ? "" : ", ") + std::string(label);
  };
  add(avx2, "AVX2");
  add(avx512, "AVX-512");
  add(avx512_bf16, "AVX-512 BF16");
  add(amx_bf16, "AMX BF16");
  return text.empty() ? "baseline" : text;
}

}  // namespace smlp
