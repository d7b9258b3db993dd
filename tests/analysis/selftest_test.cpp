#include "smlp/analysis/selftest.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include "smlp/device/fused.hpp"
#include "support/fake_device.hpp"

namespace smlp {
namespace {

using testing::FakeDeviceFault;

// On a device that can be made to err.
class SelftestTest : public ::testing::Test {
 protected:
  ~SelftestTest() override { set_fused_kernels(true); }

  static SelftestReport run(const std::string& only) {
    return run_selftest({.only = only, .rates = false, .open = [](const DeviceConfig&) {
                           set_fused_kernels(false);
                           return Device{.torch = testing::fake_device(),
                                         .precision = Precision::fp32,
                                         .description = "a second device"};
                         }});
  }
  static std::string verdicts(const SelftestReport& report) {
    std::string text;
    for (const SelftestCheck& each : report.checks) text += each.passed() ? "+" : "-";
    return text;
  }
};

TEST_F(SelftestTest, ADeviceThatDoesWhatTheCpuDoesPasses) {
  for (const char* only : {"b_mlp", "mixer", "steps", "stopped", "batches", "memory"}) {
    const SelftestReport report = run(only);
    EXPECT_TRUE(report.passed()) << only << selftest_json(report);
  }
  EXPECT_FALSE(run("no check of this name").passed()) << "nothing was seen to work";
}

TEST_F(SelftestTest, EveryFaultIsCaughtByTheCheckMadeForIt) {
  const auto scaled = [](const torch::Tensor& result) { result.mul_(1.01); };
  const auto expect = [&](const char* operation, const std::function<void(const torch::Tensor&)>& how,
                          const char* only, const char* found) {
    const FakeDeviceFault fault(operation, how);
    const SelftestReport report = run(only);
    EXPECT_EQ(verdicts(report), found) << operation << selftest_json(report);
    EXPECT_FALSE(report.passed());
  };
  expect("aten::gelu", scaled, "b_mlp", "--");
  expect("aten::gelu_backward", scaled, "b_mlp", "+-");
  expect("aten::gelu_backward", scaled, "200 steps", "-");
  std::int64_t call = 0;
  const auto noisy = [&](const torch::Tensor& result) {
    result.mul_(1 + 1e-6 * static_cast<double>(++call));
  };
  expect("aten::addmm", noisy, "the same steps twice", "-");
  expect("aten::addmm", noisy, "stopped and resumed", "-");
  expect(
      "aten::ne", [](const torch::Tensor& result) { result.zero_(); }, "not finite", "-");
  expect(
      "to_device", [](const torch::Tensor& result) { result.flatten()[0].mul_(0); }, "batches", "-");
  expect(
      "aten::addmm", [](const torch::Tensor& result) { result.fill_(NAN); }, "b_mlp", "--");
  expect(
      "aten::addmm", [](const torch::Tensor&) { TORCH_CHECK(false, "an illegal address\nframes"); }, "b_mlp",
      "--");
}

// In bfloat16 too, which goes through other kernels and has other bounds.
TEST_F(SelftestTest, TheCpuPasses) {
  const SelftestReport report =
      run_selftest({.only = "b_mlp", .rates = false, .open = [](DeviceConfig config) {
                      config.precision = Precision::bf16;
                      config.type = DeviceType::cpu;
                      return open_device(config);
                    }});
  for (const SelftestCheck& each : report.checks)
    EXPECT_TRUE(each.passed()) << each.name << each.difference << each.problem;
}

TEST_F(SelftestTest, ItsFileSaysWhatWasFoundWhere) {
  const FakeDeviceFault fault("aten::addmm",
                              [](const torch::Tensor&) { TORCH_CHECK(false, "an illegal address\nframes"); });
  const auto json = nlohmann::json::parse(selftest_json(run("b_mlp")));
  EXPECT_EQ(json["passed"], false);
  EXPECT_EQ(json["device"], "a second device");
  EXPECT_FALSE(json["system"].empty());
  EXPECT_EQ(json["checks"][0]["name"], "b_mlp: logits");
  EXPECT_EQ(json["checks"][0]["problem"], "an illegal address");
  EXPECT_TRUE(json["checks"][0]["difference"].is_null());
}

}  // namespace
}  // namespace smlp
