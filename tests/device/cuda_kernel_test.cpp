#include "smlp/device/cuda_kernel.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"

namespace smlp {
namespace {

// As `smlp` compiles them for the card it finds; no card is needed.
TEST(CudaKernels, CompileForEveryArchitectureLibTorchIsMadeFor) {
  if (!nvrtc_problem().empty()) GTEST_SKIP() << nvrtc_problem();
  ASSERT_FALSE(kernel_names().empty());
  for (const std::string& name : kernel_names())
    for (const char* architecture : {"sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"}) {
      const std::string code = compile_kernel(name, architecture);
      EXPECT_EQ(code.substr(1, 3), "ELF") << name << architecture;
      EXPECT_NE(code.find(name), std::string::npos) << architecture;
    }
}

TEST(CudaKernels, SayWhatTheCompilerSays) {
  if (!nvrtc_problem().empty()) GTEST_SKIP() << nvrtc_problem();
  const auto message = [](const std::string& name, const std::string& architecture) {
    return testing::error_of(ErrorKind::failed, [&] { compile_kernel(name, architecture); });
  };
  EXPECT_NE(message(kernel_names().front(), "sm_1").find("sm_1"), std::string::npos);
  EXPECT_NE(message("none", "sm_90").find("no kernel none"), std::string::npos);
}

}  // namespace
}  // namespace smlp
