// env.json of a run: its sessions.
#include "fuzz.hpp"
#include "smlp/run/sessions.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  fuzz::count_refusal(
      fuzz::refuses_only_as(ErrorKind::data, [&] { parse_sessions(fuzz::text_of(data, size), "env.json"); }));
  return 0;
}
