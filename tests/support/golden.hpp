#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "smlp/formats/npy.hpp"

namespace smlp::testing {

inline std::filesystem::path golden_format(const std::string& name) {
  return std::filesystem::path(SMLP_SOURCE_DIR) / "tests/golden/formats" / name;
}

template <class T>
std::vector<T> values(const NpyFile& file) {
  const T* const first = reinterpret_cast<const T*>(file.data());
  return {first, first + file.header().elements()};
}

}  // namespace smlp::testing
