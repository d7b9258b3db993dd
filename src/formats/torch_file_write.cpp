#include <algorithm>
#include <set>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/torch_file.hpp"
#include "zip_records.hpp"

namespace smlp {
namespace {

constexpr std::uint64_t saturated32 = 0xffffffff, alignment = 64;

void append_number(std::string& out, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) out += static_cast<char>(value >> 8 * i & 0xff);
}

// Stored records with known sizes; each record's data starts at a multiple of 64 bytes, as torch.save's does.
class StoredZipWriter {
 public:
  explicit StoredZipWriter(const fs::path& path) : file_(path) {}

  void add(std::string_view name, std::span<const std::byte> bytes) {
    const std::uint64_t offset = file_.size(), size = bytes.size();
    const std::string extra = size >= saturated32 ? zip64_field({size, size}) : "";
    const std::uint64_t unpadded = offset + 30 + name.size() + extra.size() + 4;
    const std::uint64_t padding = (alignment - unpadded % alignment) % alignment;
    const std::string fields = common_fields(bytes, name);
    std::string header = "PK\3\4" + fields;
    append_number(header, extra.size() + 4 + padding, 2);
    header.append(name).append(extra).append("FB");  // the padding's field, as torch names it
    append_number(header, padding, 2);
    header.append(padding, 'Z');
    file_.write(header);
    file_.write(bytes.data(), bytes.size());
    add_to_directory(name, fields, size, offset);
  }

  void add(std::string_view name, std::string_view text) { add(name, std::as_bytes(std::span(text))); }

  void commit() {
    const std::uint64_t begin = file_.size(), end = begin + directory_.size();
    file_.write(directory_);
    std::string tail = "PK\6\6";
    append_number(tail, 44, 8);
    append_number(tail, 45 | 45 << 16, 4);  // made by, and needed: version 4.5
    append_number(tail, 0, 8);              // volumes
    for (const std::uint64_t value : {count_, count_, std::uint64_t{directory_.size()}, begin})
      append_number(tail, value, 8);
    tail += "PK\6\7";
    append_number(tail, 0, 4);
    append_number(tail, end, 8);
    append_number(tail, 1, 4);
    tail += "PK\5\6";
    append_number(tail, 0, 4);
    append_number(tail, std::min<std::uint64_t>(count_, 0xffff), 2);
    append_number(tail, std::min<std::uint64_t>(count_, 0xffff), 2);
    append_number(tail, std::min<std::uint64_t>(directory_.size(), saturated32), 4);
    append_number(tail, std::min(begin, saturated32), 4);
    append_number(tail, 0, 2);
    file_.write(tail);
    file_.commit();
  }

 private:
  static std::string zip64_field(const std::vector<std::uint64_t>& values) {
    std::string field;
    append_number(field, 1, 2);
    append_number(field, 8 * values.size(), 2);
    for (const std::uint64_t value : values) append_number(field, value, 8);
    return field;
  }

  // From "version needed" to the name's length, which local header and directory share.
  static std::string common_fields(std::span<const std::byte> bytes, std::string_view name) {
    std::string fields;
    append_number(fields, 45, 2);
    append_number(fields, 0x800, 2);  // names are UTF-8
    append_number(fields, 0, 2);      // stored
    append_number(fields, 0, 2);      // midnight
    append_number(fields, 0x21, 2);   // of 1 January 1980
    append_number(fields, crc_of(bytes), 4);
    append_number(fields, std::min<std::uint64_t>(bytes.size(), saturated32), 4);
    append_number(fields, std::min<std::uint64_t>(bytes.size(), saturated32), 4);
    append_number(fields, name.size(), 2);
    return fields;
  }

  void add_to_directory(std::string_view name, const std::string& fields, std::uint64_t size,
                        std::uint64_t offset) {
    std::vector<std::uint64_t> wide;
    if (size >= saturated32) wide = {size, size};
    if (offset >= saturated32) wide.push_back(offset);
    const std::string extra = wide.empty() ? "" : zip64_field(wide);
    directory_ += "PK\1\2";
    append_number(directory_, 45, 2);
    directory_ += fields;
    append_number(directory_, extra.size(), 2);
    directory_.append(2 + 2 + 2 + 4, '\0');  // comment, volume, attributes
    append_number(directory_, std::min(offset, saturated32), 4);
    directory_.append(name).append(extra);
    ++count_;
  }

  AtomicFile file_;
  std::string directory_;
  std::uint64_t count_ = 0;
};

std::string_view storage_type(const SafetensorsEntry& tensor) {
  static const std::map<std::string_view, std::string_view> types = {
      {"F64", "DoubleStorage"}, {"F32", "FloatStorage"}, {"F16", "HalfStorage"},  {"BF16", "BFloat16Storage"},
      {"I64", "LongStorage"},   {"I32", "IntStorage"},   {"I16", "ShortStorage"}, {"I8", "CharStorage"},
      {"U8", "ByteStorage"},    {"BOOL", "BoolStorage"}};
  const auto found = types.find(tensor.dtype);
  if (found == types.end())
    fail(ErrorKind::failed, "tensor \"{}\" has elements of {}, for which PyTorch files have no storage",
         printable(tensor.name), printable(tensor.dtype));
  return found->second;
}

void check_writable(std::span<const SafetensorsEntry> tensors) {
  std::set<std::string_view> names;
  for (const SafetensorsEntry& tensor : tensors) {
    storage_type(tensor);
    if (!is_utf8(tensor.name)) fail(ErrorKind::failed, "a tensor's name is not UTF-8");
    if (!names.insert(tensor.name).second)
      fail(ErrorKind::failed, "tensor \"{}\" is written twice", printable(tensor.name));
    std::uint64_t bytes = safetensors_item_size(tensor.dtype);
    bool fits = true;
    for (const std::int64_t size : tensor.shape)
      fits = fits && size >= 0 && !__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes);
    if (!fits || bytes != tensor.bytes.size())
      fail(ErrorKind::failed, "tensor \"{}\" has {} bytes, which is not its shape's size",
           printable(tensor.name), tensor.bytes.size());
  }
}

class Pickler {
 public:
  std::string dictionary(std::span<const SafetensorsEntry> tensors) {
    out_ = "\x80\2";
    empty_ordered_dict();
    out_ += '(';
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      text(tensors[i].name);
      tensor(tensors[i], std::to_string(i));
    }
    return out_ + "u.";
  }

 private:
  void global(std::string_view module, std::string_view name) {
    out_ += fmt::format("c{}\n{}\n", module, name);
  }

  void empty_ordered_dict() {
    global("collections", "OrderedDict");
    out_ += ")R";
  }

  void text(std::string_view value) {
    out_ += 'X';
    append_number(out_, value.size(), 4);
    out_ += value;
  }

  void integer(std::int64_t value) {
    out_ += "\x8a\x08";
    append_number(out_, static_cast<std::uint64_t>(value), 8);
  }

  void tuple(const std::vector<std::int64_t>& values) {
    out_ += '(';
    for (const std::int64_t value : values) integer(value);
    out_ += 't';
  }

  // _rebuild_tensor_v2(("storage", type, key, device, count), offset, shape, strides, requires_grad, hooks)
  void tensor(const SafetensorsEntry& tensor, const std::string& key) {
    std::vector<std::int64_t> strides(tensor.shape.size(), 1);
    for (std::size_t i = strides.size(); i-- > 1;)
      strides[i - 1] = strides[i] * std::max<std::int64_t>(tensor.shape[i], 1);
    global("torch._utils", "_rebuild_tensor_v2");
    out_ += "((";
    text("storage");
    global("torch", storage_type(tensor));
    text(key);
    text("cpu");
    integer(static_cast<std::int64_t>(tensor.bytes.size() / safetensors_item_size(tensor.dtype)));
    out_ += "tQ";
    integer(0);
    tuple(tensor.shape);
    tuple(strides);
    out_ += '\x89';
    empty_ordered_dict();
    out_ += "tR";
  }

  std::string out_;
};

}  // namespace

void write_torch_file(const std::filesystem::path& path, std::span<const SafetensorsEntry> tensors) {
  check_writable(tensors);
  StoredZipWriter zip(path);
  zip.add("archive/data.pkl", Pickler().dictionary(tensors));
  zip.add("archive/byteorder", "little");
  for (std::size_t i = 0; i < tensors.size(); ++i)
    zip.add(fmt::format("archive/data/{}", i), tensors[i].bytes);
  zip.add("archive/version", "3\n");
  zip.commit();
}

}  // namespace smlp
