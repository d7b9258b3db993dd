#include "smlp/formats/npz.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/npy.hpp"
#include "zip_records.hpp"

namespace smlp {
namespace {

constexpr std::string_view ending = ".npy";

constexpr std::array<std::pair<std::string_view, const char*>, 12> type_table{{{"|b1", "BOOL"},
                                                                               {"|u1", "U8"},
                                                                               {"|i1", "I8"},
                                                                               {"<i2", "I16"},
                                                                               {"<u2", "U16"},
                                                                               {"<f2", "F16"},
                                                                               {"<i4", "I32"},
                                                                               {"<u4", "U32"},
                                                                               {"<f4", "F32"},
                                                                               {"<i8", "I64"},
                                                                               {"<u8", "U64"},
                                                                               {"<f8", "F64"}}};

const char* type_of(const NpyHeader& header, const std::string& where) {
  for (const auto& [numpy, name] : type_table)
    if (numpy == header.dtype) return name;
  fail(ErrorKind::data, "{}: its elements are '{}', big-endian: save it with little-endian arrays", where,
       header.dtype);
}

SafetensorsEntry read_array(const ZipRecord& record, const std::string& file) {
  const std::string where = fmt::format("{}: \"{}\"", file, printable(record.name));
  if (!record.name.ends_with(ending) || record.name.size() == ending.size())
    fail(ErrorKind::data, "{} is no array of numpy.savez", where);
  if (!record.stored)
    fail(ErrorKind::data,
         "{} is compressed: save the arrays again with numpy.savez(\"new.npz\", **numpy.load(\"{}\"))", where,
         file);
  check_crc(record, file);
  const NpyHeader header = parse_npy_header(record.bytes, where);
  const std::span<const std::byte> data = record.bytes.subspan(header.data_offset);
  if (data.size() != header.elements() * npy_item_size(header.dtype))
    fail(ErrorKind::data, "{}: {} bytes of data after the header, its shape needs {}", where, data.size(),
         header.elements() * npy_item_size(header.dtype));
  std::string name(record.name.substr(0, record.name.size() - ending.size()));
  std::ranges::replace(name, '/', '.');
  return {std::move(name), type_of(header, where), header.shape, data};
}

}  // namespace

NpzFile::NpzFile(const std::filesystem::path& path) : name_(path.string()), file_(path) {
  read(file_.bytes());
}

NpzFile::NpzFile(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)) {
  read(bytes);
}

void NpzFile::read(std::span<const std::byte> bytes) {
  std::set<std::string> names;
  for (const ZipRecord& record : read_stored_zip(bytes, name_)) {
    entries_.push_back(read_array(record, name_));
    if (!names.insert(entries_.back().name).second)
      fail(ErrorKind::data, "{}: two arrays are called \"{}\"", name_, printable(entries_.back().name));
  }
}

}  // namespace smlp
