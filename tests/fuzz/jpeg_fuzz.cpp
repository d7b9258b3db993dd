// A JPEG. The first byte says how many pixels a side must keep; 0: it is not shrunk.
#include "fuzz.hpp"
#include "images.hpp"
#include "smlp/formats/jpeg.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  if (size == 0 || !fuzz::quick_to_decode(fuzz::jpeg_area(data + 1, size - 1))) return 0;
  fuzz::count_refusal(fuzz::refuses_only_as(ErrorKind::data, [&] {
    fuzz::check_image(decode_jpeg(fuzz::bytes_of(data + 1, size - 1), "fuzz.jpg", data[0]));
  }));
  return 0;
}
