#include "smlp/formats/beton.hpp"

#include <algorithm>
#include <concepts>
#include <limits>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/image.hpp"

namespace smlp {
namespace {

constexpr std::uint64_t header_bytes = 24, field_bytes = 1041, name_bytes = 16, allocation_bytes = 24;
constexpr std::uint64_t sample_limit = std::uint64_t{1} << 36;
constexpr int jpeg_mode = 0, raw_mode = 1;
constexpr std::uint8_t integer_type = 1, image_type = 2;

template <std::unsigned_integral T>
T load(std::span<const std::byte> bytes, std::uint64_t at) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    value = static_cast<T>(static_cast<std::uint64_t>(value) << 8 |
                           std::to_integer<std::uint64_t>(bytes[at + i]));
  return value;
}

struct FieldType {
  std::uint64_t bytes, alignment;
};

// By type id: float, integer, image, bytes, array, JSON, tensor.
constexpr FieldType field_types[] = {{8, 8}, {8, 8}, {13, 1}, {16, 1}, {8, 8}, {16, 1}, {8, 8}};

std::uint64_t align(std::uint64_t offset, std::uint64_t to) {
  return (offset + to - 1) / to * to;
}

struct Field {
  std::string name;
  std::uint64_t offset;
};

// The one field of its type, or the one of that name.
std::uint64_t only(const std::vector<Field>& fields, std::string_view name, std::string_view kind,
                   const std::string& file) {
  if (fields.size() == 1) return fields[0].offset;
  const auto named = [&](const Field& field) { return field.name == name; };
  if (std::count_if(fields.begin(), fields.end(), named) != 1)
    fail(ErrorKind::data, "{}: {} {} fields, expected one, or one named \"{}\"", file, fields.size(), kind,
         name);
  return std::find_if(fields.begin(), fields.end(), named)->offset;
}

}  // namespace

BetonReader::BetonReader(std::span<const std::byte> file, std::string name)
    : file_(file), name_(std::move(name)) {
  if (file_.size() < header_bytes)
    fail(ErrorKind::data, "{}: {} bytes, too short for a .beton file", name_, file_.size());
  const auto version = load<std::uint16_t>(file_, 0);
  if (version != 2)
    fail(ErrorKind::data, "{}: not a .beton file of version 2: its first two bytes say {}", name_, version);
  const std::size_t fields = load<std::uint16_t>(file_, 2);
  const auto samples = load<std::uint64_t>(file_, 8);
  if (samples == 0 || samples > sample_limit)
    fail(ErrorKind::data, "{}: {} samples (byte 8), expected 1 to {}", name_, samples, sample_limit);
  samples_ = static_cast<std::int64_t>(samples);
  table_ = load<std::uint64_t>(file_, 16);
  read_fields(fields);
  check_table(fields);
}

void BetonReader::read_fields(std::size_t count) {
  rows_ = header_bytes + count * field_bytes;
  if (rows_ > file_.size()) fail(ErrorKind::data, "{}: cut off within its {} fields", name_, count);
  std::vector<Field> images, integers;
  std::uint64_t alignment = 1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<const std::byte> field = file_.subspan(header_bytes + i * field_bytes, field_bytes);
    const auto type = std::to_integer<std::uint8_t>(field[0]);
    std::string name(reinterpret_cast<const char*>(&field[1]), name_bytes);
    name.resize(std::min(name.find('\0'), name.size()));
    if (type >= std::size(field_types))
      fail(ErrorKind::data, "{}: field {} (\"{}\") has type {}, whose size is not known", name_, i,
           printable(name), type);
    row_bytes_ = align(row_bytes_, field_types[type].alignment);
    if (type == image_type)
      images.push_back({std::move(name), row_bytes_});
    else if (type == integer_type)
      integers.push_back({std::move(name), row_bytes_});
    row_bytes_ += field_types[type].bytes;
    alignment = std::max(alignment, field_types[type].alignment);
  }
  row_bytes_ = align(row_bytes_, alignment);
  image_at_ = only(images, "image", "image", name_);
  label_at_ = only(integers, "label", "integer", name_);
}

void BetonReader::check_table(std::size_t fields) {
  if (table_ > file_.size() || table_ < rows_)
    fail(ErrorKind::data, "{}: the allocation table at byte {} (byte 16) is not within the file's {} bytes",
         name_, table_, file_.size());
  const auto samples = static_cast<std::uint64_t>(samples_);
  if (samples > (table_ - rows_) / row_bytes_)
    fail(ErrorKind::data, "{}: {} samples of {} bytes (byte 8) do not fit before byte {}", name_, samples,
         row_bytes_, table_);
  data_ = rows_ + samples * row_bytes_;
  const std::uint64_t bytes = file_.size() - table_;
  if (bytes % allocation_bytes != 0 || bytes / allocation_bytes > samples * fields)
    fail(ErrorKind::data, "{}: {} bytes of allocations after byte {}, expected up to {} of {} bytes", name_,
         bytes, table_, samples * fields, allocation_bytes);
}

BetonSample BetonReader::sample(std::int64_t index) {
  const std::span<const std::byte> row =
      file_.subspan(rows_ + static_cast<std::uint64_t>(index) * row_bytes_, row_bytes_);
  const std::span<const std::byte> image = row.subspan(image_at_, field_types[image_type].bytes);
  const int mode = std::to_integer<int>(image[0]);
  if (mode != jpeg_mode && mode != raw_mode)
    fail(ErrorKind::data, "{}: image mode {}, expected 0 (JPEG) or 1 (raw)", where(index), mode);
  BetonSample sample;
  sample.label = static_cast<std::int64_t>(load<std::uint64_t>(row, label_at_));
  sample.width = load<std::uint16_t>(image, 1);
  sample.height = load<std::uint16_t>(image, 3);
  const std::int64_t pixels = std::int64_t{sample.width} * sample.height;
  if (pixels == 0 || pixels > max_image_pixels)
    fail(ErrorKind::data, "{}: {}×{} pixels, expected 1 to {} in all", where(index), sample.width,
         sample.height, max_image_pixels);
  const auto pointer = load<std::uint64_t>(image, 5);
  sample.is_jpeg = mode == jpeg_mode;
  sample.bytes = image_bytes(
      index, pointer, sample.is_jpeg ? std::nullopt : std::optional(static_cast<std::uint64_t>(pixels) * 3));
  return sample;
}

std::span<const std::byte> BetonReader::image_bytes(std::int64_t index, std::uint64_t pointer,
                                                    std::optional<std::uint64_t> size) {
  const std::uint64_t bytes = size ? *size : allocated(index, pointer);
  if (pointer < data_ || pointer > table_ || bytes > table_ - pointer)
    fail(ErrorKind::data, "{}: an image of {} bytes at byte {} is outside the data (bytes {} to {})",
         where(index), bytes, pointer, data_, table_);
  return file_.subspan(pointer, bytes);
}

std::uint64_t BetonReader::allocated(std::int64_t index, std::uint64_t pointer) {
  if (sizes_.empty()) {
    sizes_.reserve((file_.size() - table_) / allocation_bytes);
    for (std::uint64_t at = table_; at < file_.size(); at += allocation_bytes)
      sizes_.emplace_back(load<std::uint64_t>(file_, at + 8), load<std::uint64_t>(file_, at + 16));
    std::sort(sizes_.begin(), sizes_.end());
  }
  // The last of that pointer: an allocation of nothing has the pointer of the next.
  const auto after = std::upper_bound(sizes_.begin(), sizes_.end(),
                                      std::pair(pointer, std::numeric_limits<std::uint64_t>::max()));
  if (after == sizes_.begin() || std::prev(after)->first != pointer)
    fail(ErrorKind::data, "{}: the allocation table has no length for the JPEG at byte {}", where(index),
         pointer);
  return std::prev(after)->second;
}

std::string BetonReader::where(std::int64_t index) const {
  return fmt::format("{}: sample {}", name_, index);
}

}  // namespace smlp
