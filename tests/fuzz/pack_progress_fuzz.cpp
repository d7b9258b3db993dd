// The state of an unfinished pack.
#include "fuzz.hpp"
#include "smlp/pack/pack_progress.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  fuzz::refuses_only_as(ErrorKind::data, [&] {
    const std::string text = pack_progress_text(parse_pack_progress(fuzz::text_of(data, size), "progress"));
    fuzz::require(pack_progress_text(parse_pack_progress(text, "again")) == text,
                  "another state when written and read again");
  });
  return 0;
}
