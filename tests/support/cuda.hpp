#pragma once
#include <gtest/gtest.h>

#include "smlp/device/capability.hpp"
#include "smlp/device/device.hpp"

namespace smlp::testing {

// Of suites called Cuda…, which are labelled so: every test is skipped where there is no device.
class CudaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cuda_driver().problem.empty())
      GTEST_SKIP() << "skipped without a CUDA device: " << cuda_driver().problem;
    open_device({.type = DeviceType::cuda, .precision = Precision::fp32});
  }
};

// ‖a − b‖ / ‖b‖ in double precision.
inline double relative_distance(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor expected = b.to(torch::kCPU, torch::kFloat64);
  return ((a.to(torch::kCPU, torch::kFloat64) - expected).norm() / (expected.norm() + 1e-30)).item<double>();
}

}  // namespace smlp::testing
