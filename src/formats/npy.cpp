#include "smlp/formats/npy.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

constexpr std::string_view magic("\x93NUMPY", 6);
constexpr std::size_t npy_header_limit = 1 << 20;
constexpr std::size_t npy_dimension_limit = 32;
constexpr std::size_t growth_digits = 21;  // numpy.lib.format.GROWTH_AXIS_MAX_DIGITS

struct NpyType {
  std::string_view dtype;
  std::size_t bytes;
};
constexpr NpyType npy_types[] = {{"|u1", 1}, {"|i1", 1}, {"|b1", 1}, {"<i2", 2}, {"<i4", 4}, {"<i8", 8},
                                 {"<u2", 2}, {"<u4", 4}, {"<u8", 8}, {"<f2", 2}, {"<f4", 4}, {"<f8", 8},
                                 {">i2", 2}, {">i4", 4}, {">i8", 8}, {">u2", 2}, {">u4", 4}, {">u8", 8},
                                 {">f2", 2}, {">f4", 4}, {">f8", 8}};

// What NumPy takes besides a letter and a size: its names, and C's letters.
constexpr std::pair<std::string_view, std::string_view> type_names[] = {
    {"bool", "b1"},    {"?", "b1"}, {"int8", "i1"},    {"b", "i1"}, {"uint8", "u1"},   {"B", "u1"},
    {"int16", "i2"},   {"h", "i2"}, {"uint16", "u2"},  {"H", "u2"}, {"int32", "i4"},   {"i", "i4"},
    {"uint32", "u4"},  {"I", "u4"}, {"int64", "i8"},   {"l", "i8"}, {"q", "i8"},       {"uint64", "u8"},
    {"L", "u8"},       {"Q", "u8"}, {"float16", "f2"}, {"e", "f2"}, {"float32", "f4"}, {"f", "f4"},
    {"float64", "f8"}, {"d", "f8"}};

// The one spelling of a type that the rest of the program knows: "|u1", "<i8", ">i8".
std::string one_spelling(std::string_view type) {
  char order = '<';
  if (!type.empty() && std::string_view("<>=|").find(type[0]) != std::string_view::npos) {
    order = type[0] == '>' ? '>' : '<';
    type.remove_prefix(1);
  }
  for (const auto& [name, plain] : type_names)
    if (name == type) type = plain;
  return (type.ends_with('1') ? '|' : order) + std::string(type);
}

// Reads the header's text, a Python dictionary of three known keys.
class HeaderReader {
 public:
  HeaderReader(std::string_view text, std::size_t offset, std::string_view name)
      : text_(text), offset_(offset), name_(name) {}

  NpyHeader read() {
    NpyHeader header;
    bool seen[3] = {}, fortran = false;
    expect('{');
    while (peek() != '}') {
      const std::string key = string("a key");
      const int which = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : -1;
      if (which < 0 || std::exchange(seen[which], true)) broken("a key that is unknown or doubled");
      expect(':');
      if (which == 0) header.dtype = dtype();
      if (which == 1) fortran = fortran_order();
      if (which == 2) header.shape = shape();
      if (peek() != '}') expect(',');
    }
    expect('}');
    peek();
    if (position_ != text_.size()) broken("text after the header's dictionary");
    if (!seen[0] || !seen[1] || !seen[2]) broken("a header without descr, fortran_order or shape");
    const auto sides = std::ranges::count_if(header.shape, [](std::int64_t side) { return side > 1; });
    if (fortran && sides > 1) broken("Fortran order, which is not supported (use numpy.ascontiguousarray),");
    return header;
  }

 private:
  [[noreturn]] void broken(std::string_view what) const {
    fail(ErrorKind::data, "{}: not a readable .npy header: {} at byte {}", name_, what, offset_ + position_);
  }

  char peek() {
    while (position_ < text_.size() &&
           std::string_view(" \n\t\r\f").find(text_[position_]) != std::string_view::npos)
      ++position_;
    return position_ < text_.size() ? text_[position_] : '\0';
  }

  void expect(char wanted) {
    if (peek() != wanted) broken(fmt::format("no '{}'", wanted));
    ++position_;
  }

  std::string string(std::string_view what) {
    const char quote = peek();
    if (quote != '\'' && quote != '"') broken(fmt::format("{} that is not a string", what));
    const std::size_t end = text_.find(quote, position_ + 1);
    if (end == std::string_view::npos) broken("a string without an end");
    std::string value(text_.substr(position_ + 1, end - position_ - 1));
    position_ = end + 1;
    return value;
  }

  std::string dtype() {
    if (peek() == '[') broken("a structured array, which is not supported,");
    const std::string given = string("a type");
    std::string value = one_spelling(given);
    const bool known = std::any_of(std::begin(npy_types), std::end(npy_types),
                                   [&](const NpyType& item) { return item.dtype == value; });
    if (!known)
      broken(fmt::format("element type '{}', which is not supported (whole numbers and floats are),", given));
    return value;
  }

  bool fortran_order() {
    peek();
    const std::string_view rest = text_.substr(position_);
    const bool is_true = rest.starts_with("True");
    if (!is_true && !rest.starts_with("False")) broken("fortran_order that is not True or False");
    position_ += is_true ? 4 : 5;
    return is_true;
  }

  std::vector<std::int64_t> shape() {
    std::vector<std::int64_t> dimensions;
    bool comma = true;
    expect('(');
    while (peek() != ')') {
      if (!comma) broken("no ','");
      if (dimensions.size() == npy_dimension_limit) broken("a shape of more than 32 dimensions");
      dimensions.push_back(dimension());
      comma = peek() == ',';
      if (comma) ++position_;
    }
    if (dimensions.empty() ? text_[position_ - 1] == ',' : dimensions.size() == 1 && !comma)
      broken("a shape that is not a tuple");
    expect(')');
    return dimensions;
  }

  std::int64_t dimension() {
    peek();
    const std::size_t start = position_;
    std::int64_t value = 0;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
      const int digit = text_[position_] - '0';
      if (value > (std::numeric_limits<std::int64_t>::max() - digit) / 10)
        broken("a dimension beyond 64 bits");
      value = value * 10 + digit;
      ++position_;
    }
    const std::size_t digits = position_ - start;
    if (digits > 0 && position_ < text_.size() && text_[position_] == 'L') ++position_;  // Python 2's long
    if (digits == 0 || (digits > 1 && text_[start] == '0')) broken("a dimension that is not a whole number");
    return value;
  }

  std::string_view text_;
  std::size_t offset_;
  std::string_view name_;
  std::size_t position_ = 0;
};

// The array's bytes, counting empty dimensions as 1 as numpy does: a shape that overflows is refused all the
// same.
std::uint64_t checked_bytes(std::span<const std::int64_t> shape, std::size_t item, std::string_view name) {
  std::int64_t bytes = static_cast<std::int64_t>(item);
  for (const std::int64_t dimension : shape)
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(dimension, 1), &bytes))
      fail(ErrorKind::data, "{}: the array's shape is beyond 64 bits", name);
  return static_cast<std::uint64_t>(bytes);
}

std::uint32_t little_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  return value;
}

}  // namespace

std::uint64_t NpyHeader::elements() const {
  std::uint64_t count = 1;
  for (const std::int64_t dimension : shape) count *= static_cast<std::uint64_t>(dimension);
  return count;
}

std::size_t npy_item_size(std::string_view dtype) {
  for (const NpyType& item : npy_types)
    if (item.dtype == dtype) return item.bytes;
  fail(ErrorKind::data, "array element type '{}' is not supported", dtype);
}

NpyHeader parse_npy_header(std::span<const std::byte> bytes, std::string_view name) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(magic)) fail(ErrorKind::data, "{}: not a .npy file (byte 0)", name);
  if (bytes.size() < 10)
    fail(ErrorKind::data, "{}: the .npy header is cut off at byte {}", name, bytes.size());
  const int major = std::to_integer<int>(bytes[6]);
  const int minor = std::to_integer<int>(bytes[7]);
  if (major < 1 || major > 3 || minor != 0)
    fail(ErrorKind::data, "{}: .npy version {}.{} (byte 6), 1.0 to 3.0 are known", name, major, minor);
  const std::size_t start = major == 1 ? 10 : 12;
  if (bytes.size() < start)
    fail(ErrorKind::data, "{}: the .npy header is cut off at byte {}", name, bytes.size());
  const std::size_t length = little_endian(bytes.subspan(8, start - 8));
  if (length > npy_header_limit)
    fail(ErrorKind::data, "{}: a .npy header of {} bytes (byte 8), at most {} are accepted", name, length,
         npy_header_limit);
  if (bytes.size() < start + length)
    fail(ErrorKind::data, "{}: the .npy header is cut off at byte {}", name, bytes.size());
  NpyHeader header = HeaderReader(text.substr(start, length), start, name).read();
  checked_bytes(header.shape, npy_item_size(header.dtype), name);
  header.data_offset = start + length;
  return header;
}

std::string npy_header_bytes(std::string_view dtype, std::span<const std::int64_t> shape) {
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (", dtype);
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  text += shape.size() == 1 ? ",), }" : "), }";
  if (!shape.empty()) text.append(growth_digits - std::to_string(shape[0]).size(), ' ');
  const std::size_t before_text = magic.size() + 4;
  text.append(63 - (before_text + text.size()) % 64, ' ');
  text += '\n';
  if (text.size() > 0xffff)
    fail(ErrorKind::failed, "a .npy header of {} dimensions is too long", shape.size());
  std::string bytes(magic);
  bytes += {'\1', '\0', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return bytes + text;
}

NpyFile::NpyFile(const std::filesystem::path& path) : file_(path) {
  header_ = parse_npy_header(file_.bytes(), path.string());
  const std::uint64_t wanted = header_.elements() * npy_item_size(header_.dtype);
  if (data_bytes() != wanted)
    fail(ErrorKind::data, "{}: {} bytes of data after the header, its shape needs {}", path.string(),
         data_bytes(), wanted);
}

NpyWriter::NpyWriter(const std::filesystem::path& path, std::string dtype,
                     std::vector<std::int64_t> row_shape)
    : file_(path),
      dtype_(std::move(dtype)),
      shape_(std::move(row_shape)),
      row_bytes_(checked_bytes(shape_, npy_item_size(dtype_), path.string())) {
  for (const std::int64_t dimension : shape_) row_bytes_ *= dimension > 0;
  shape_.insert(shape_.begin(), 0);
  file_.write(npy_header_bytes(dtype_, shape_));
}

void NpyWriter::append(const void* rows, std::int64_t count) {
  file_.write(rows, row_bytes_ * static_cast<std::uint64_t>(count));
  shape_[0] += count;
}

void NpyWriter::commit() {
  const std::string header = npy_header_bytes(dtype_, shape_);
  file_.write_at(0, header.data(), header.size());
  file_.commit();
}

}  // namespace smlp
