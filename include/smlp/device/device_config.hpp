#pragma once
#include <cstdint>

#include "smlp/config/fields.hpp"

namespace smlp {

enum class DeviceType { automatic, cpu, cuda };
enum class Precision { automatic, fp32, tf32, bf16 };
enum class Kernels { fused, torch };
enum class GraphUse { automatic, on, off };

struct DeviceConfig {
  DeviceType type = DeviceType::automatic;
  Precision precision = Precision::automatic;
  std::int64_t threads = 0;  // of the trainer; 0: one a core
  Kernels kernels = Kernels::fused;
  GraphUse graph = GraphUse::automatic;
  bool deterministic = true;  // refuse algorithms whose result depends on timing
  void fields(FieldVisitor& v);
};

const char* precision_name(Precision precision);  // "fp32", …

}  // namespace smlp
