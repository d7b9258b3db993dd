// A NumPy array's header, and the file behind it.
#include "memory_file.hpp"
#include "smlp/formats/npy.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  fuzz::refuses_only_as(ErrorKind::data, [&] {
    const NpyHeader header = parse_npy_header(fuzz::bytes_of(data, size), "fuzz.npy");
    const std::string again = npy_header_bytes(header.dtype, header.shape);
    const NpyHeader reread = parse_npy_header(std::as_bytes(std::span(again)), "again.npy");
    fuzz::require(reread.shape == header.shape && reread.dtype == header.dtype,
                  "another header when rewritten");
    static fuzz::MemoryFile file;
    file.write(fuzz::text_of(data, size));
    const NpyFile array(file.path());
    fuzz::require(array.data_bytes() == array.header().elements() * npy_item_size(array.header().dtype) &&
                      array.header().data_offset + array.data_bytes() == size,
                  "an array that is not its shape's size");
  });
  return 0;
}
