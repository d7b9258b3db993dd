#pragma once
#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "smlp/formats/safetensors.hpp"

namespace smlp {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

// Writes tensors of any device to a safetensors file, atomically, in the order given.
void save_tensors(const std::filesystem::path& path, const NamedTensors& tensors);

// Copies the file's values into the tensors of the same name. The two sets of names, shapes and types must be
// equal: otherwise Error(data) naming the file and the first differences.
void load_tensors(const std::filesystem::path& path, const NamedTensors& into);

// Parameters, then buffers, of a module, in the order of registration, with their dotted names.
NamedTensors named_tensors(const torch::nn::Module& module);

}  // namespace smlp
