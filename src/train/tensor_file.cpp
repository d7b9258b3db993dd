#include "smlp/train/tensor_file.hpp"

#include <array>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

struct TypeRow {
  torch::ScalarType type;
  const char* name;
};
constexpr std::array type_table{TypeRow{torch::kFloat32, "F32"}, TypeRow{torch::kFloat64, "F64"},
                                TypeRow{torch::kFloat16, "F16"}, TypeRow{torch::kBFloat16, "BF16"},
                                TypeRow{torch::kInt64, "I64"},   TypeRow{torch::kInt32, "I32"},
                                TypeRow{torch::kInt16, "I16"},   TypeRow{torch::kInt8, "I8"},
                                TypeRow{torch::kUInt8, "U8"},    TypeRow{torch::kBool, "BOOL"}};

const char* dtype_name(torch::ScalarType type) {
  for (const TypeRow& row : type_table)
    if (row.type == type) return row.name;
  fail(ErrorKind::failed, "tensors of type {} cannot be saved", torch::toString(type));
}

torch::ScalarType dtype_of(const SafetensorsEntry& entry, const std::string& file) {
  for (const TypeRow& row : type_table)
    if (row.name == entry.dtype) return row.type;
  fail(ErrorKind::data, "{}: tensor '{}' has type {}, which is not read here", file, entry.name, entry.dtype);
}

}  // namespace

void save_tensors(const std::filesystem::path& path, const NamedTensors& tensors) {
  std::vector<torch::Tensor> host;  // keeps the bytes alive
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, tensor] : tensors) {
    host.push_back(tensor.detach().to(torch::kCPU).contiguous());
    const torch::Tensor& value = host.back();
    entries.push_back({name,
                       dtype_name(value.scalar_type()),
                       value.sizes().vec(),
                       {static_cast<const std::byte*>(value.const_data_ptr()), value.nbytes()}});
  }
  write_safetensors(path, entries);
}

void load_tensors(const std::filesystem::path& path, const NamedTensors& into) {
  const SafetensorsFile file(path);
  std::vector<std::string> differences;
  std::map<std::string, const SafetensorsEntry*> present;
  for (const SafetensorsEntry& entry : file.entries()) present[entry.name] = &entry;
  for (const auto& [name, tensor] : into) {
    const auto found = present.find(name);
    if (found == present.end())
      differences.push_back(fmt::format("'{}' is missing", name));
    else if (found->second->shape != tensor.sizes().vec() ||
             dtype_of(*found->second, path.string()) != tensor.scalar_type())
      differences.push_back(fmt::format("'{}' is {} [{}], wanted {} [{}]", name, found->second->dtype,
                                        fmt::join(found->second->shape, ", "),
                                        dtype_name(tensor.scalar_type()),
                                        fmt::join(tensor.sizes().vec(), ", ")));
  }
  if (differences.empty() && present.size() != into.size())
    differences.push_back(fmt::format("{} tensors, wanted {}", present.size(), into.size()));
  if (!differences.empty()) {
    differences.resize(std::min<std::size_t>(differences.size(), 3));
    fail(ErrorKind::data, "{}: not the tensors wanted: {}; was it saved by another model?", path.string(),
         fmt::join(differences, "; "));
  }
  torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : into) {
    const SafetensorsEntry& entry = *present.at(name);
    void* bytes =
        const_cast<std::byte*>(entry.bytes.data());  // from_blob takes no const; the values are only copied
    torch::Tensor(tensor).copy_(torch::from_blob(bytes, entry.shape, dtype_of(entry, path.string())));
  }
}

NamedTensors named_tensors(const torch::nn::Module& module) {
  NamedTensors tensors;
  for (const auto& item : module.named_parameters()) tensors.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) tensors.emplace_back(item.key(), item.value());
  return tensors;
}

}  // namespace smlp
