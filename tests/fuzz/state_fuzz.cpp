// state.json of a checkpoint: what is read is written to the same text.
#include <optional>

#include "fuzz.hpp"
#include "smlp/run/training_state.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  std::optional<StateFile> file;
  fuzz::count_refusal(fuzz::refuses_only_as(
      ErrorKind::data, [&] { file = parse_state(std::string(fuzz::text_of(data, size)), "state.json"); }));
  if (!file) return 0;
  const std::string text = state_text(file->state, file->hashes);
  const StateFile again = parse_state(text, "state.json");
  fuzz::require(state_text(again.state, again.hashes) == text, "a state that does not read back to itself");
  return 0;
}
