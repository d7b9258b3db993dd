#pragma once
#include <filesystem>

namespace smlp {

// The folder of the libtorch_cpu.so this process runs with.
std::filesystem::path torch_folder();

}  // namespace smlp
