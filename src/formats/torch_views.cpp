#include "torch_views.hpp"

#include <cstring>

#include "smlp/formats/safetensors.hpp"

namespace smlp {
namespace {

// Row-major. `from` is the element at index 0, which exists.
template <std::size_t width>
void copy_elements(const PickledTensor& tensor, const std::byte* from, std::byte* to) {
  std::vector<std::int64_t> index(tensor.shape.size(), 0);
  std::int64_t position = 0;
  for (std::int64_t i = 0; i < tensor.count; ++i, to += width) {
    std::memcpy(to, from + position * static_cast<std::int64_t>(width), width);
    for (std::size_t k = index.size(); k-- > 0;) {
      position += tensor.strides[k];
      if (++index[k] < tensor.shape[k]) break;
      position -= tensor.strides[k] * tensor.shape[k];
      index[k] = 0;
    }
  }
}

// -x for each `step`-th number from `first` on. Floats: their sign, in the last byte of each.
template <class Number>
void negate(std::span<std::byte> bytes, bool floating, std::size_t first = 0, std::size_t step = 1) {
  constexpr std::size_t width = sizeof(Number);
  for (std::size_t at = first * width; at < bytes.size(); at += step * width) {
    Number number;
    std::memcpy(&number, &bytes[at], width);
    constexpr Number sign = Number{1} << (8 * width - 1);
    number = static_cast<Number>(floating ? number ^ sign : Number{0} - number);
    std::memcpy(&bytes[at], &number, width);
  }
}

// The two numbers of a complex one; any other is one.
std::size_t parts_of(std::string_view dtype) {
  return dtype.starts_with('C') ? 2 : 1;
}

void negate(std::span<std::byte> bytes, std::string_view dtype, std::size_t first, std::size_t step) {
  const bool floating = dtype.find_first_of("FC") != std::string_view::npos;
  switch (safetensors_item_size(dtype) / parts_of(dtype)) {
    case 1:
      return negate<std::uint8_t>(bytes, floating, first, step);
    case 2:
      return negate<std::uint16_t>(bytes, floating, first, step);
    case 4:
      return negate<std::uint32_t>(bytes, floating, first, step);
    default:
      return negate<std::uint64_t>(bytes, floating, first, step);
  }
}

std::vector<std::byte> row_major(const PickledTensor& tensor, const std::byte* from, std::size_t width) {
  std::vector<std::byte> copy(static_cast<std::size_t>(tensor.count) * width);
  if (width == 1) copy_elements<1>(tensor, from, copy.data());
  if (width == 2) copy_elements<2>(tensor, from, copy.data());
  if (width == 4) copy_elements<4>(tensor, from, copy.data());
  if (width == 8) copy_elements<8>(tensor, from, copy.data());
  if (width == 16) copy_elements<16>(tensor, from, copy.data());
  return copy;
}

}  // namespace

bool lies_in_order(const PickledTensor& tensor) {
  if (tensor.negated || tensor.conjugated) return false;
  if (tensor.count <= 1) return true;
  std::int64_t stride = 1;
  for (std::size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != stride) return false;
    stride *= tensor.shape[i];
  }
  return true;
}

std::vector<std::byte> copy_in_order(const PickledTensor& tensor, const PickledStorage& storage) {
  const std::size_t width = safetensors_item_size(storage.dtype);
  std::vector<std::byte> copy =
      row_major(tensor, storage.bytes.data() + static_cast<std::size_t>(tensor.offset) * width, width);
  if (tensor.negated) negate(copy, storage.dtype, 0, 1);
  if (tensor.conjugated && parts_of(storage.dtype) == 2) negate(copy, storage.dtype, 1, 2);
  return copy;
}

}  // namespace smlp
