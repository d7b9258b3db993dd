#pragma once
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>

#include "smlp/core/error.hpp"
#include "smlp/formats/safetensors.hpp"
#include "support/chosen.hpp"

namespace smlp::testing {

// Tensors of tests/golden/models/, made by scripts/make_golden_models.py and make_golden_timm.py.
class GoldenTensors {
 public:
  explicit GoldenTensors(const std::string& name)
      : file_(std::filesystem::path(SMLP_SOURCE_DIR) / "tests/golden/models" / name) {}

  const std::map<std::string, std::string>& configs() const { return file_.metadata(); }
  bool contains(const std::string& name) const {
    return std::any_of(file_.entries().begin(), file_.entries().end(),
                       [&](const SafetensorsEntry& entry) { return entry.name == name; });
  }
  // How many begin with it.
  std::size_t count(const std::string& prefix) const {
    return static_cast<std::size_t>(
        std::count_if(file_.entries().begin(), file_.entries().end(),
                      [&](const SafetensorsEntry& entry) { return entry.name.starts_with(prefix); }));
  }
  torch::Tensor operator[](const std::string& name) const {
    const SafetensorsEntry& entry = file_.at(name);
    const auto type = entry.dtype == "I64" ? torch::kInt64 : torch::kFloat32;
    torch::Tensor tensor = torch::empty(entry.shape, type);
    if (tensor.nbytes() != entry.bytes.size()) fail(ErrorKind::data, "{}: {}", name, entry.dtype);
    std::memcpy(tensor.mutable_data_ptr(), entry.bytes.data(), entry.bytes.size());
    return tensor;
  }

 private:
  SafetensorsFile file_;
};

inline void expect_close(const torch::Tensor& found, const torch::Tensor& expected, const std::string& what,
                         double relative = 1e-4, double absolute = 2e-5) {
  ASSERT_EQ(found.sizes(), expected.sizes()) << what;
  EXPECT_TRUE(torch::allclose(found, expected, relative, absolute))
      << what << ": largest difference " << (found - expected).abs().max().item<double>();
}

inline bool same_bits(const torch::Tensor& a, const torch::Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type()) return false;
  return a.numel() == 0 ||  // then there may be no address, which memcmp() must not be given
         std::memcmp(a.contiguous().const_data_ptr(), b.contiguous().const_data_ptr(), a.nbytes()) == 0;
}

}  // namespace smlp::testing
