#include "smlp/device/device.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/core/threads.hpp"
#include "smlp/device/capability.hpp"
#include "smlp/device/memory.hpp"

namespace smlp {
namespace {

DeviceConfig cpu_config(Precision precision) {
  DeviceConfig config;
  config.type = DeviceType::cpu;
  config.precision = precision;
  return config;
}

std::string row(const std::string& name) {
  for (const auto& [key, value] : system_report())
    if (key == name) return value;
  return "(missing)";
}

TEST(Device, AutomaticPrecisionIsBf16OnlyWhereTheProcessorHasIt) {
  const Precision expected = cpu_capability().fast_bf16() ? Precision::bf16 : Precision::fp32;
  EXPECT_EQ(open_device(cpu_config(Precision::automatic)).precision, expected);
}

TEST(Device, Tf32OnACpuMeansFp32) {
  EXPECT_EQ(open_device(cpu_config(Precision::tf32)).precision, Precision::fp32);
}

TEST(Device, ThreadsAreThoseAskedForOrOneACore) {
  DeviceConfig config = cpu_config(Precision::fp32);
  config.threads = 1;
  EXPECT_EQ(open_device(config).threads, 1);
  EXPECT_EQ(at::get_num_threads(), 1);
  config.threads = 0;
  EXPECT_EQ(open_device(config).threads, available_cores());
  EXPECT_EQ(at::get_num_threads(), available_cores());
}

TEST(Device, DeterminismIsThatOfTheConfig) {
  DeviceConfig config = cpu_config(Precision::fp32);
  config.deterministic = false;
  open_device(config);
  EXPECT_FALSE(at::globalContext().deterministicAlgorithms());
  config.deterministic = true;
  open_device(config);
  EXPECT_TRUE(at::globalContext().deterministicAlgorithms());
}

TEST(Device, CudaWithoutADeviceFailsWithTheReason) {
  if (!cuda_driver().devices.empty()) GTEST_SKIP() << "this machine has a CUDA device";
  DeviceConfig config;
  config.type = DeviceType::cuda;
  try {
    open_device(config);
    FAIL() << "a device was opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::failed);
    EXPECT_NE(std::string(error.what()).find(cuda_driver().problem), std::string::npos) << error.what();
  }
  config.type = DeviceType::automatic;
  EXPECT_FALSE(open_device(config).is_cuda());
}

TEST(Autocast, LinearLayersRunInBf16AndMasterWeightsStayFloat32) {
  torch::nn::Linear layer(8, 4);
  Device device;
  const auto input = torch::ones({2, 8});
  {
    device.precision = Precision::bf16;
    const AutocastScope scope(device);
    const auto output = layer->forward(input);
    EXPECT_EQ(output.scalar_type(), torch::kBFloat16);
    output.sum().backward();
  }
  EXPECT_EQ(layer->weight.scalar_type(), torch::kFloat32);
  EXPECT_EQ(layer->weight.grad().scalar_type(), torch::kFloat32);
  EXPECT_EQ(layer->forward(input).scalar_type(), torch::kFloat32);
  device.precision = Precision::fp32;
  const AutocastScope off(device);
  EXPECT_EQ(layer->forward(input).scalar_type(), torch::kFloat32);
}

TEST(Autocast, AnUpdatedWeightIsSeenByTheNextScope) {
  torch::nn::Linear layer(torch::nn::LinearOptions(1, 1).bias(false));
  Device device;
  device.precision = Precision::bf16;
  const auto output = [&](float weight) {
    {
      const torch::NoGradGuard guard;
      layer->weight.fill_(weight);
    }
    const AutocastScope scope(device);
    return layer->forward(torch::ones({1, 1})).item<float>();
  };
  EXPECT_EQ(output(1), 1);
  EXPECT_EQ(output(2), 2);
}

TEST(Driver, ADriverOrACardThatIsTooOldIsNamedWithTheRemedy) {
  const auto found = [](int version, int major, int minor) {
    CudaDriver driver;
    driver.version = version;
    driver.devices = {{.name = "Card", .major = major, .minor = minor}};
    return too_old(driver, 13000);
  };
  EXPECT_EQ(found(13000, 9, 0), "");
  EXPECT_EQ(found(13020, 7, 5), "");
  const std::string driver = found(12080, 9, 0), card = found(13000, 7, 0);
  for (const char* part : {"12.8", "13.0", "580"}) EXPECT_NE(driver.find(part), std::string::npos) << driver;
  for (const char* part : {"Card", "7.0", "7.5"}) EXPECT_NE(card.find(part), std::string::npos) << card;
}

TEST(Memory, PeakCountsOwnPagesAndStaysAfterTheyAreReleased) {
  const std::int64_t before = anonymous_memory();
  ASSERT_GT(before, 0);
  constexpr std::int64_t size = 64 << 20;
  {
    const auto block = torch::ones({size}, torch::kUInt8);
    EXPECT_GE(anonymous_memory_peak(), before + size / 2);
  }
  EXPECT_GE(anonymous_memory_peak(), before + size / 2);
}

TEST(SystemReport, SaysWhatWasFoundAndWhyNot) {
  EXPECT_NE(row("LibTorch").find("2."), std::string::npos);
  EXPECT_EQ(row("instruction sets"), cpu_capability().instruction_sets());
  const bool none = cuda_driver().devices.empty();
  EXPECT_EQ(row("CUDA devices"), none ? "none: " + cuda_driver().problem : "(missing)");
  const CudaLibrary& library = load_cuda_library();
  EXPECT_NE(row("LibTorch's CUDA half").find(library.loaded ? library.path : library.problem),
            std::string::npos);
}

}  // namespace
}  // namespace smlp
