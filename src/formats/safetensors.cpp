#include "smlp/formats/safetensors.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

using nlohmann::json;

constexpr std::uint64_t safetensors_header_limit = 100'000'000;
constexpr std::size_t safetensors_dimension_limit = 64;

struct Parsed {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;
};

std::uint64_t little_endian64(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  return value;
}

// Reads the header event by event, since a JSON document would keep the last of doubled keys and could need
// many times the header's size.
class HeaderHandler : public nlohmann::json_sax<json> {
 public:
  std::vector<Parsed> tensors;
  std::map<std::string, std::string> metadata;
  std::string error;

  bool start_object(std::size_t) override {
    if (place_ == Place::start) return go(Place::names);
    if (place_ == Place::metadata_value) return go(Place::metadata);
    if (place_ == Place::tensor_value) return go(Place::tensor);
    return unexpected("an object");
  }

  bool end_object() override {
    if (place_ == Place::names) return go(Place::done);
    if (place_ == Place::tensor && (!seen_dtype_ || !seen_shape_ || !seen_offsets_))
      return refuse(
          fmt::format("tensor \"{}\" lacks dtype, shape or data_offsets", printable(tensors.back().name)));
    return go(Place::names);
  }

  bool key(string_t& key) override {
    if (place_ == Place::names) return top_level(key);
    if (place_ == Place::metadata) {
      metadata_key_ = key;
      if (metadata.contains(key))
        return refuse(fmt::format("metadata key \"{}\" is doubled", printable(key)));
      return go(Place::metadata_text);
    }
    if (key == "dtype") return field(seen_dtype_, Place::dtype, key);
    if (key == "shape") return field(seen_shape_, Place::shape_start, key);
    if (key == "data_offsets") return field(seen_offsets_, Place::offsets_start, key);
    return refuse(fmt::format("tensor \"{}\" has an unknown key \"{}\"", printable(tensors.back().name),
                              printable(key)));
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata_text) {
      metadata[metadata_key_] = value;
      return go(Place::metadata);
    }
    if (place_ != Place::dtype) return unexpected("a string");
    tensors.back().dtype = value;
    return go(Place::tensor);
  }

  bool start_array(std::size_t) override {
    if (place_ == Place::shape_start) return go(Place::shape);
    if (place_ == Place::offsets_start) return go(Place::offsets);
    return unexpected("a list");
  }

  bool end_array() override {
    if (place_ == Place::offsets && offsets_.size() != 2)
      return refuse(fmt::format("tensor \"{}\" needs two data_offsets", printable(tensors.back().name)));
    if (place_ == Place::offsets) {
      tensors.back().begin = offsets_[0];
      tensors.back().end = offsets_[1];
    }
    return go(Place::tensor);
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape && tensors.back().shape.size() < safetensors_dimension_limit &&
        value <= INT64_MAX) {
      tensors.back().shape.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (place_ == Place::offsets && offsets_.size() < 2) {
      offsets_.push_back(value);
      return true;
    }
    return unexpected("a number");
  }

  bool null() override {  // "__metadata__": null, as the reference implementation takes it
    return place_ == Place::metadata_value ? go(Place::names) : unexpected("null");
  }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return unexpected("a number that is not whole");
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return refuse(fmt::format("malformed JSON at byte {}", position + 8));
  }

 private:
  enum class Place {
    start,
    names,
    metadata_value,
    metadata,
    metadata_text,
    tensor_value,
    tensor,
    dtype,
    shape_start,
    shape,
    offsets_start,
    offsets,
    done
  };

  bool go(Place place) {
    place_ = place;
    return true;
  }

  bool refuse(std::string reason) {
    error = std::move(reason);
    return false;
  }

  bool unexpected(std::string_view what) {
    const bool of_metadata = place_ == Place::metadata_value || place_ == Place::metadata_text;
    const std::string where = of_metadata ? " of __metadata__, which maps names to texts"
                              : tensors.empty()
                                  ? ""
                                  : fmt::format(" at tensor \"{}\"", printable(tensors.back().name));
    return refuse(fmt::format("{} in an unexpected place{}", what, where));
  }

  bool top_level(const std::string& key) {
    if (!names_.insert(key).second) return refuse(fmt::format("key \"{}\" is doubled", printable(key)));
    if (key == "__metadata__") return go(Place::metadata_value);
    tensors.push_back({key, {}, {}, 0, 0});
    seen_dtype_ = seen_shape_ = seen_offsets_ = false;
    offsets_.clear();
    return go(Place::tensor_value);
  }

  bool field(bool& seen, Place place, const std::string& key) {
    if (std::exchange(seen, true))
      return refuse(fmt::format("key \"{}\" of tensor \"{}\" is doubled", printable(key),
                                printable(tensors.back().name)));
    return go(place);
  }

  Place place_ = Place::start;
  std::set<std::string> names_;
  std::string metadata_key_;
  std::vector<std::uint64_t> offsets_;
  bool seen_dtype_ = false, seen_shape_ = false, seen_offsets_ = false;
};

struct SafetensorsType {
  std::string_view dtype;
  std::size_t bytes;
};
constexpr SafetensorsType safetensors_types[] = {
    {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"F8_E8M0", 1},
    {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},     {"U32", 4},
    {"F32", 4},  {"F64", 8}, {"I64", 8}, {"U64", 8},     {"C64", 8},     {"C128", 16}};

std::size_t known_item_size(std::string_view dtype) {  // 0: unknown
  for (const SafetensorsType& each : safetensors_types)
    if (each.dtype == dtype) return each.bytes;
  return 0;
}

// shape × item size, or 1 where that is not known; nothing when beyond 64 bits.
std::optional<std::uint64_t> tensor_bytes(std::string_view dtype, std::span<const std::int64_t> shape) {
  std::uint64_t bytes = std::max<std::size_t>(1, known_item_size(dtype));
  for (const std::int64_t dimension : shape)
    if (dimension < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(dimension), &bytes))
      return {};
  return bytes;
}

void check_layout(std::vector<Parsed>& tensors, std::uint64_t data_bytes, const std::string& file) {
  std::stable_sort(tensors.begin(), tensors.end(), [](const Parsed& a, const Parsed& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t position = 0;
  for (const Parsed& tensor : tensors) {
    const auto refuse = [&](const std::string& reason) {
      fail(ErrorKind::data, "{}: tensor \"{}\": {}", file, printable(tensor.name), reason);
    };
    if (tensor.begin != position || tensor.end < tensor.begin)
      refuse(fmt::format("data_offsets {} to {} leave a hole or overlap, data so far ends at {}",
                         tensor.begin, tensor.end, position));
    const auto wanted = tensor_bytes(tensor.dtype, tensor.shape);
    if (!wanted) refuse("its shape is beyond 64 bits");
    // Of other types there will be more; who needs such a tensor says that it cannot be read.
    if (known_item_size(tensor.dtype) != 0 && *wanted != tensor.end - tensor.begin)
      refuse(fmt::format("{} bytes of data, its shape needs {}", tensor.end - tensor.begin, *wanted));
    position = tensor.end;
  }
  if (position != data_bytes)
    fail(ErrorKind::data, "{}: {} bytes of data after the header, its tensors need {}", file, data_bytes,
         position);
}

std::string quoted(const std::string& text) {
  try {
    return json(text).dump();
  } catch (const json::exception&) {
    fail(ErrorKind::failed, "a tensor's name or metadata is not UTF-8");
  }
}

std::string header_text(std::span<const SafetensorsEntry> entries,
                        const std::map<std::string, std::string>& metadata) {
  std::string text = "{";
  std::set<std::string> names{"__metadata__"};
  for (const auto& [key, value] : metadata)
    text += (text.size() > 1 ? "," : "\"__metadata__\":{") + quoted(key) + ":" + quoted(value);
  if (!metadata.empty()) text += '}';
  std::uint64_t offset = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (!names.insert(entry.name).second)
      fail(ErrorKind::failed, "tensor \"{}\" is written twice", entry.name);
    if (tensor_bytes(entry.dtype, entry.shape) != entry.bytes.size())
      fail(ErrorKind::failed, "tensor \"{}\" has {} bytes, which is not its shape's size", entry.name,
           entry.bytes.size());
    const std::uint64_t end = offset + entry.bytes.size();
    if (text.size() > 1) text += ',';
    text += fmt::format(R"({}:{{"dtype":"{}","shape":{},"data_offsets":[{},{}]}})", quoted(entry.name),
                        entry.dtype, json(entry.shape).dump(), offset, end);
    offset = end;
  }
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

std::size_t safetensors_item_size(std::string_view dtype) {
  const std::size_t size = known_item_size(dtype);
  if (size == 0) fail(ErrorKind::data, "tensor element type \"{}\" is not supported", printable(dtype));
  return size;
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : name_(path.string()), file_(path) {
  const auto bytes = file_.bytes();
  if (bytes.size() < 8) fail(ErrorKind::data, "{}: {} bytes, too short for safetensors", name_, bytes.size());
  const std::uint64_t length = little_endian64(bytes);
  if (length > safetensors_header_limit)
    fail(ErrorKind::data, "{}: a header of {} bytes, at most {} are accepted: not a safetensors file?", name_,
         length, safetensors_header_limit);
  if (length > bytes.size() - 8)
    fail(ErrorKind::data, "{}: the file ends at byte {}, within its header of {} bytes", name_, bytes.size(),
         length);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8,
                              static_cast<std::size_t>(length));
  if (!text.starts_with('{'))
    fail(ErrorKind::data, "{}: the header does not start with '{{' (byte 8)", name_);
  HeaderHandler header;
  if (!json::sax_parse(text, &header)) fail(ErrorKind::data, "{}: {}", name_, header.error);
  const auto data = bytes.subspan(8 + static_cast<std::size_t>(length));
  check_layout(header.tensors, data.size(), name_);
  metadata_ = std::move(header.metadata);
  for (Parsed& tensor : header.tensors) {
    index_[tensor.name] = entries_.size();
    entries_.push_back({std::move(tensor.name), std::move(tensor.dtype), std::move(tensor.shape),
                        data.subspan(tensor.begin, tensor.end - tensor.begin)});
  }
}

const SafetensorsEntry& SafetensorsFile::at(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) fail(ErrorKind::data, "{}: there is no tensor \"{}\"", name_, name);
  return entries_[found->second];
}

void write_safetensors(const std::filesystem::path& path, std::span<const SafetensorsEntry> entries,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = header_text(entries, metadata);
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> 8 * i & 0xff);
  AtomicFile file(path);
  file.write(length);
  file.write(header);
  for (const SafetensorsEntry& entry : entries) file.write(entry.bytes.data(), entry.bytes.size());
  file.commit();
}

}  // namespace smlp
