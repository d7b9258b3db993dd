#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "smlp/core/files.hpp"

namespace smlp {

// The header of a NumPy array file (versions 1.0 to 3.0), C order.
struct NpyHeader {
  std::string dtype;                // numpy's descr in one spelling: "|u1", "<i8", ">f4"
  std::vector<std::int64_t> shape;  // each ≥ 0, the product checked against overflow
  std::size_t data_offset = 0;      // bytes from the start of the file
  std::uint64_t elements() const;
};

std::size_t npy_item_size(
    std::string_view dtype);  // |u1 |i1 |b1 <i2 <i4 <i8 <u2 <u4 <u8 <f2 <f4 <f8, > too; else Error(data)

// Reads the header from the file's first bytes (at least the whole header, or the whole file). Fortran order
// where it makes a difference, structured or object arrays, malformed text: Error(data) naming `name` and the
// byte offset.
NpyHeader parse_npy_header(std::span<const std::byte> bytes, std::string_view name);

// The bytes of a version 1.0 header as NumPy 2 writes it: padded to a multiple of 64, with room for the first
// dimension to grow, so that the length does not depend on it.
std::string npy_header_bytes(std::string_view dtype, std::span<const std::int64_t> shape);

// An array file mapped read-only; the file's length must be exactly header + data.
class NpyFile {
 public:
  NpyFile() = default;
  explicit NpyFile(const std::filesystem::path& path);

  const NpyHeader& header() const { return header_; }
  const std::byte* data() const { return file_.bytes().data() + header_.data_offset; }
  std::uint64_t data_bytes() const { return file_.bytes().size() - header_.data_offset; }

 private:
  MappedFile file_;
  NpyHeader header_;
};

// Writes an array row by row without knowing the number of rows first: the header is filled in by commit().
// Without commit() nothing is left behind. `rows` of append(): count × row_shape elements, contiguous.
class NpyWriter {
 public:
  NpyWriter(const std::filesystem::path& path, std::string dtype, std::vector<std::int64_t> row_shape);
  void append(const void* rows, std::int64_t count);
  void commit();  // the file appears under its name, synced
  std::int64_t rows() const { return shape_[0]; }

 private:
  AtomicFile file_;
  std::string dtype_;
  std::vector<std::int64_t> shape_;  // of the whole array
  std::uint64_t row_bytes_;
};

}  // namespace smlp
