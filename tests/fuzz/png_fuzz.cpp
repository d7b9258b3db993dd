// A PNG as it is, and with the checksums of its chunks set right, which gets mutations past the first of
// them.
#include "fuzz.hpp"
#include "images.hpp"
#include "smlp/formats/png.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  std::vector<std::uint8_t> mended(data, data + size);
  if (!fuzz::quick_to_decode(fuzz::mend_png(mended))) return 0;
  for (const std::span<const std::byte> bytes :
       {fuzz::bytes_of(data, size), fuzz::bytes_of(mended.data(), mended.size())})
    fuzz::count_refusal(
        fuzz::refuses_only_as(ErrorKind::data, [&] { fuzz::check_image(decode_png(bytes, "fuzz.png")); }));
  return 0;
}
