// A WebP.
#include "fuzz.hpp"
#include "images.hpp"
#include "smlp/formats/webp.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  if (!fuzz::quick_to_decode(fuzz::webp_area(data, size))) return 0;
  fuzz::count_refusal(fuzz::refuses_only_as(
      ErrorKind::data, [&] { fuzz::check_image(decode_webp(fuzz::bytes_of(data, size), "fuzz.webp")); }));
  return 0;
}
