// A BMP.
#include "fuzz.hpp"
#include "images.hpp"
#include "smlp/formats/bmp.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  if (!fuzz::quick_to_decode(fuzz::bmp_area(data, size))) return 0;
  fuzz::count_refusal(fuzz::refuses_only_as(
      ErrorKind::data, [&] { fuzz::check_image(decode_bmp(fuzz::bytes_of(data, size), "fuzz.bmp")); }));
  return 0;
}
