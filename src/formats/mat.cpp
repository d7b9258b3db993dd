#include "smlp/formats/mat.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

constexpr std::size_t header_bytes = 128, unpacked_limit = std::size_t{64} << 20;
constexpr std::size_t max_elements = 1'000'000;

enum DataType : std::uint32_t {
  int8 = 1,
  uint8 = 2,
  int16 = 3,
  uint16 = 4,
  int32 = 5,
  uint32 = 6,
  single = 7,
  real = 9,
  int64 = 12,
  uint64 = 13,
  matrix = 14,
  compressed = 15,
  utf8 = 16
};
constexpr std::uint8_t struct_class = 2, char_class = 4, first_number_class = 6, last_number_class = 15;

using Bytes = std::span<const std::byte>;

template <class T>
T load(Bytes bytes, std::size_t at = 0) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

// Takes data elements (a tag and its bytes) from the front of a span.
class Elements {
 public:
  struct Element {
    std::uint32_t type;
    Bytes bytes;
  };

  Elements(Bytes bytes, std::string_view name) : rest_(bytes), name_(name) {}
  bool empty() const { return rest_.empty(); }

  Element next() {
    if (rest_.size() < 8) broken("ends inside a tag");
    const auto first = load<std::uint32_t>(rest_);
    if (first >> 16 != 0) {  // up to four bytes within the tag
      const std::size_t size = first >> 16;
      if (size > 4) broken("has a small element of more than four bytes");
      const Element element{first & 0xffff, rest_.subspan(4, size)};
      rest_ = rest_.subspan(8);
      return element;
    }
    const std::size_t size = load<std::uint32_t>(rest_, 4);
    if (size > rest_.size() - 8) broken("ends inside an element");
    const Element element{first, rest_.subspan(8, size)};
    const std::size_t padded = first == compressed ? size : (size + 7) / 8 * 8;
    rest_ = rest_.subspan(std::min(rest_.size(), 8 + padded));
    return element;
  }

  [[noreturn]] void broken(std::string_view reason) const {
    fail(ErrorKind::data, "{}: a broken MATLAB level 5 file: it {}", name_, reason);
  }

 private:
  Bytes rest_;
  std::string_view name_;
};

std::vector<std::byte> inflate_all(Bytes packed, const Elements& errors) {
  std::vector<std::byte> out(std::min(unpacked_limit, std::max<std::size_t>(packed.size() * 4, 4096)));
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) fail(ErrorKind::failed, "cannot start zlib");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  int result = Z_OK;
  while (result == Z_OK) {
    if (stream.total_out == out.size()) {
      if (out.size() == unpacked_limit) break;
      out.resize(std::min(unpacked_limit, out.size() * 2));
    }
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + stream.total_out);
    stream.avail_out = static_cast<uInt>(out.size() - stream.total_out);
    result = inflate(&stream, Z_NO_FLUSH);
  }
  out.resize(stream.total_out);
  inflateEnd(&stream);
  if (result != Z_STREAM_END) errors.broken("has compressed data that is broken or over 64 MiB");
  return out;
}

template <class T>
std::optional<double> number_of(Bytes bytes) {
  return bytes.size() == sizeof(T) ? std::optional(static_cast<double>(load<T>(bytes))) : std::nullopt;
}

// Small whole numbers are stored in fewer bytes than their array's class has.
std::optional<double> only_number(const Elements::Element& element) {
  switch (element.type) {
    case int8:
      return number_of<std::int8_t>(element.bytes);
    case uint8:
      return number_of<std::uint8_t>(element.bytes);
    case int16:
      return number_of<std::int16_t>(element.bytes);
    case uint16:
      return number_of<std::uint16_t>(element.bytes);
    case int32:
      return number_of<std::int32_t>(element.bytes);
    case uint32:
      return number_of<std::uint32_t>(element.bytes);
    case single:
      return number_of<float>(element.bytes);
    case real:
      return number_of<double>(element.bytes);
    case int64:
      return number_of<std::int64_t>(element.bytes);
    case uint64:
      return number_of<std::uint64_t>(element.bytes);
    default:
      return std::nullopt;
  }
}

// Plain ASCII only: that is what wnids are.
std::string ascii(const Elements::Element& element) {
  const std::size_t width = element.type == uint16 ? 2 : 1;
  std::string text;
  for (std::size_t i = 0; i + width <= element.bytes.size(); i += width) {
    const unsigned code =
        width == 2 ? load<std::uint16_t>(element.bytes, i) : load<std::uint8_t>(element.bytes, i);
    text += code < 128 ? static_cast<char>(code) : '?';
  }
  return text;
}

struct Head {
  std::uint8_t type;
  std::size_t elements;
  std::string name;
};

Head read_head(Elements& parts) {
  const Elements::Element flags = parts.next(), dimensions = parts.next(), name = parts.next();
  if (flags.bytes.size() < 4 || dimensions.bytes.size() < 8)
    parts.broken("has an array without class or size");
  Head head{static_cast<std::uint8_t>(load<std::uint32_t>(flags.bytes) & 0xff), 1, ascii(name)};
  for (std::size_t i = 0; i + 4 <= dimensions.bytes.size(); i += 4) {
    const auto extent = load<std::int32_t>(dimensions.bytes, i);
    if (extent < 0 || (extent > 0 && head.elements > max_elements / static_cast<std::size_t>(extent)))
      parts.broken("has an array of more than a million elements");
    head.elements *= static_cast<std::size_t>(extent);
  }
  return head;
}

std::optional<MatStructArray::Value> read_value(Bytes array, std::string_view name) {
  if (array.empty()) return std::nullopt;
  Elements parts(array, name);
  const Head head = read_head(parts);
  if (head.type == char_class) return head.elements == 0 ? std::string() : ascii(parts.next());
  if (head.type < first_number_class || head.type > last_number_class || head.elements != 1)
    return std::nullopt;
  const std::optional<double> number = only_number(parts.next());
  return number ? std::optional<MatStructArray::Value>(*number) : std::nullopt;
}

std::vector<std::string> field_names(Elements& parts) {
  const Elements::Element length = parts.next(), names = parts.next();
  if (length.bytes.size() != 4 || load<std::int32_t>(length.bytes) < 1)
    parts.broken("has a structure without names");
  const auto each = static_cast<std::size_t>(load<std::int32_t>(length.bytes));
  std::vector<std::string> result;
  for (std::size_t at = 0; at + each <= names.bytes.size(); at += each) {
    const std::string padded = ascii({uint8, names.bytes.subspan(at, each)});
    result.push_back(padded.substr(0, padded.find('\0')));
  }
  return result;
}

MatStructArray read_struct(Elements& parts, const Head& head, std::string_view name) {
  const std::vector<std::string> fields = field_names(parts);
  std::vector<std::map<std::string, MatStructArray::Value>> elements(head.elements);
  for (auto& element : elements)
    for (const std::string& field : fields) {
      const Elements::Element value = parts.next();
      if (value.type != matrix) parts.broken("has a field that is no array");
      if (auto read = read_value(value.bytes, name)) element.emplace(field, std::move(*read));
    }
  return {std::string(name), std::move(elements)};
}

}  // namespace

const MatStructArray::Value& MatStructArray::at(std::size_t element, const std::string& field) const {
  const auto found = elements_.at(element).find(field);
  if (found == elements_[element].end())
    fail(ErrorKind::data, "{}: element {} has no field {} that is one number or a text", name_, element,
         field);
  return found->second;
}

double MatStructArray::number(std::size_t element, const std::string& field) const {
  if (const double* value = std::get_if<double>(&at(element, field))) return *value;
  fail(ErrorKind::data, "{}: field {} of element {} is not a number", name_, field, element);
}

std::string MatStructArray::text(std::size_t element, const std::string& field) const {
  if (const std::string* value = std::get_if<std::string>(&at(element, field))) return *value;
  fail(ErrorKind::data, "{}: field {} of element {} is not a text", name_, field, element);
}

MatStructArray parse_mat_struct(std::span<const std::byte> bytes, std::string_view variable,
                                std::string_view name) {
  if (bytes.size() < header_bytes || load<std::uint32_t>(bytes, 124) != 0x4d490100)
    fail(ErrorKind::data, "{}: not a little-endian MATLAB level 5 file", name);
  Elements variables(bytes.subspan(header_bytes), name);
  while (!variables.empty()) {
    Elements::Element element = variables.next();
    std::vector<std::byte> unpacked;
    if (element.type == compressed) {
      unpacked = inflate_all(element.bytes, variables);
      element = Elements(unpacked, name).next();
    }
    if (element.type != matrix) continue;
    Elements parts(element.bytes, name);
    const Head head = read_head(parts);
    if (head.name != variable) continue;
    if (head.type != struct_class) fail(ErrorKind::data, "{}: \"{}\" is not a structure", name, variable);
    return read_struct(parts, head, name);
  }
  fail(ErrorKind::data, "{}: has no variable \"{}\"", name, variable);
}

}  // namespace smlp
