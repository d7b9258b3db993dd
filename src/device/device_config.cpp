#include "smlp/device/device_config.hpp"

namespace smlp {

void DeviceConfig::fields(FieldVisitor& v) {
  v.choice("type", type,
           {{"auto", DeviceType::automatic}, {"cpu", DeviceType::cpu}, {"cuda", DeviceType::cuda}},
           "where to train; auto: CUDA when there is a device; cuda fails where there is none");
  v.choice("precision", precision,
           {{"auto", Precision::automatic},
            {"fp32", Precision::fp32},
            {"tf32", Precision::tf32},
            {"bf16", Precision::bf16}},
           "of matrix products; weights stay float32; auto: bf16 where the hardware has it, else fp32");
  v.field("threads", threads,
          "threads of the trainer on a CPU; 0: OMP_NUM_THREADS, or one a core within the CPU quota",
          between(0, 4096));
  v.choice("kernels", kernels, {{"fused", Kernels::fused}, {"torch", Kernels::torch}},
           "fused: our own where there are any; torch: LibTorch's operations alone, the reference");
  v.choice("graph", graph, {{"auto", GraphUse::automatic}, {"on", GraphUse::on}, {"off", GraphUse::off}},
           "replay a captured training step (CUDA graph) instead of launching its kernels one by one; auto: "
           "where it can be captured; on fails where it cannot");
  v.field("deterministic", deterministic, "refuse algorithms whose result depends on timing");
}

const char* precision_name(Precision precision) {
  switch (precision) {
    case Precision::automatic:
      return "auto";
    case Precision::fp32:
      return "fp32";
    case Precision::tf32:
      return "tf32";
    case Precision::bf16:
      return "bf16";
  }
  return "";
}

}  // namespace smlp
