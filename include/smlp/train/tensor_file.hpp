#pragma once
#include <torch/nn/module.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "smlp/formats/safetensors.hpp"

namespace smlp {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

// Tensors of any device as the entries of a file, in the order given; these hold as long as this does.
class HostTensors {
 public:
  explicit HostTensors(const NamedTensors& tensors);
  const std::vector<SafetensorsEntry>& entries() const { return entries_; }

 private:
  std::vector<torch::Tensor> values_;
  std::vector<SafetensorsEntry> entries_;
};

// Writes tensors of any device to a safetensors file, atomically, in the order given.
void save_tensors(const std::filesystem::path& path, const NamedTensors& tensors);

torch::Tensor tensor_of(const SafetensorsEntry& entry,
                        const std::string& file);  // a copy; `file` for messages

// Copies values into the tensors of the same name. The two sets of names, shapes and types must be equal, and
// permutations and masks be some (see Model): otherwise Error(data) naming `file` and the first differences.
void copy_tensors(const NamedTensors& from, const NamedTensors& into, const std::string& file);

// Copies the file's values into the tensors of the same name. The two sets of names, shapes and types must be
// equal: otherwise Error(data) naming the file and the first differences. Tensors of the file whose names
// begin with `ignored` are passed over.
void load_tensors(const std::filesystem::path& path, const NamedTensors& into,
                  const std::string& ignored = "");

// Parameters, then buffers, of a module, in the order of registration, with their dotted names.
NamedTensors named_tensors(const torch::nn::Module& module);

}  // namespace smlp
