#include "smlp/train/tensor_file.hpp"

#include <array>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"

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

std::string type_and_shape(const torch::Tensor& tensor) {
  return fmt::format("{} [{}]", dtype_name(tensor.scalar_type()), fmt::join(tensor.sizes().vec(), ", "));
}

// As long as the entry's bytes stay where they are.
torch::Tensor mapped_tensor(const SafetensorsEntry& entry, const std::string& file) {
  // from_blob takes no const; the values are only copied.
  return torch::from_blob(const_cast<std::byte*>(entry.bytes.data()), entry.shape, dtype_of(entry, file));
}

// Or nothing that must be one, see Model.
bool holds_permutations(const torch::Tensor& tensor) {
  if (tensor.scalar_type() != torch::kInt64 || tensor.dim() == 0) return true;
  const torch::Tensor sorted = std::get<0>(tensor.sort(-1));
  return sorted.eq(torch::arange(tensor.size(-1), tensor.options())).all().item<bool>();
}

// Of buffers that do not change in training, see Model; `own`: as the model was built.
void check_fixed(const std::string& name, const torch::Tensor& found, const torch::Tensor& own,
                 const std::string& file) {
  if (!holds_permutations(found)) fail(ErrorKind::data, "{}: '{}' holds no permutations", file, name);
  if (found.scalar_type() != torch::kBool) return;
  const auto places = found.sum().item<std::int64_t>(), values = own.sum().item<std::int64_t>();
  if (places != values)
    fail(ErrorKind::data, "{}: the mask '{}' has {} places, the model has values for {}", file, name, places,
         values);
}

}  // namespace

HostTensors::HostTensors(const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    values_.push_back(tensor.detach().to(torch::kCPU).contiguous());
    const torch::Tensor& value = values_.back();
    entries_.push_back({name,
                        dtype_name(value.scalar_type()),
                        value.sizes().vec(),
                        {static_cast<const std::byte*>(value.const_data_ptr()), value.nbytes()}});
  }
}

void save_tensors(const std::filesystem::path& path, const NamedTensors& tensors) {
  write_safetensors(path, HostTensors(tensors).entries());
}

torch::Tensor tensor_of(const SafetensorsEntry& entry, const std::string& file) {
  return mapped_tensor(entry, file).clone();
}

void copy_tensors(const NamedTensors& from, const NamedTensors& into, const std::string& file) {
  std::vector<std::string> differences;
  const std::map<std::string, torch::Tensor> present(from.begin(), from.end()),
      wanted(into.begin(), into.end());
  for (const auto& [name, tensor] : into) {
    const auto found = present.find(name);
    if (found == present.end())
      differences.push_back(fmt::format("'{}' is missing", name));
    else if (found->second.sizes() != tensor.sizes() || found->second.scalar_type() != tensor.scalar_type())
      differences.push_back(
          fmt::format("'{}' is {}, wanted {}", name, type_and_shape(found->second), type_and_shape(tensor)));
  }
  for (const auto& [name, tensor] : from)
    if (!wanted.contains(name))
      differences.push_back(fmt::format("'{}' has no place in the model", printable(name)));
  if (!differences.empty()) {
    differences.resize(std::min<std::size_t>(differences.size(), 3));
    fail(ErrorKind::data, "{}: not the tensors wanted: {}; was it saved by another model?", file,
         fmt::join(differences, "; "));
  }
  torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : into) check_fixed(name, present.at(name), tensor, file);
  for (const auto& [name, tensor] : into) torch::Tensor(tensor).copy_(present.at(name));
}

void load_tensors(const std::filesystem::path& path, const NamedTensors& into, const std::string& ignored) {
  const SafetensorsFile file(path);
  NamedTensors from;
  for (const SafetensorsEntry& entry : file.entries())
    if (ignored.empty() || !entry.name.starts_with(ignored))
      from.emplace_back(entry.name, mapped_tensor(entry, path.string()));
  copy_tensors(from, into, path.string());
}

NamedTensors named_tensors(const torch::nn::Module& module) {
  NamedTensors tensors;
  for (const auto& item : module.named_parameters()) tensors.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) tensors.emplace_back(item.key(), item.value());
  return tensors;
}

}  // namespace smlp
