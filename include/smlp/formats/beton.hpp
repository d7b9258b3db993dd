#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace smlp {

// A sample of a .beton file. `bytes` lie in the file's own.
struct BetonSample {
  std::int64_t label = 0;
  int width = 0, height = 0;  // each ≥ 1, together at most max_image_pixels
  bool is_jpeg = false;
  std::span<const std::byte> bytes;  // a JPEG file, or height×width×3 RGB
};

// FFCV's data files, version 2, little-endian (ffcv/types.py, fields/rgb_image.py, writer.py of ffcv 1.0):
//   header      u16 version, u16 fields, u32 page size, u64 samples, u64 place of the allocation table
//   fields      1,041 bytes each: u8 type, 16 bytes of name, 1,024 of arguments
//   samples     a row each of the fields' values as NumPy aligns them: an integer is an i64; an image 13
//   bytes
//               without alignment: u8 mode (0 JPEG, 1 raw), u16 width, u16 height, u64 pointer
//   data        in pages, at the images' pointers
//   allocations to the end of the file: u64 sample, u64 pointer, u64 size; the only place of a JPEG's length
// Of several integers the one named "label" is the label, of several images the one named "image" the image;
// other fields are passed over.
//
// The file's bytes must outlive the reader. What leads outside the file, counts that cannot be, another
// version or fields: Error(data) naming `name`, the sample and the reason.
class BetonReader {
 public:
  BetonReader(std::span<const std::byte> file, std::string name);

  std::int64_t samples() const { return samples_; }
  BetonSample sample(std::int64_t index);

 private:
  void read_fields(std::size_t count);
  void check_table(std::size_t fields);
  std::span<const std::byte> image_bytes(std::int64_t index, std::uint64_t pointer,
                                         std::optional<std::uint64_t> size);
  std::uint64_t allocated(std::int64_t index, std::uint64_t pointer);
  std::string where(std::int64_t index) const;

  std::span<const std::byte> file_;
  std::string name_;
  std::int64_t samples_ = 0;
  std::uint64_t rows_ = 0, row_bytes_ = 0, image_at_ = 0, label_at_ = 0, data_ = 0, table_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> sizes_;  // pointer and size, sorted; made when needed
};

}  // namespace smlp
