// The index of weights in several files.
#include "fuzz.hpp"
#include "smlp/formats/weights_file.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  fuzz::count_refusal(fuzz::refuses_only_as(ErrorKind::data, [&] {
    for (const auto& [tensor, file] : parse_weight_map(fuzz::text_of(data, size), "index"))
      fuzz::require(!file.empty() && file.find('/') == file.npos, "a file of another folder");
  }));
  return 0;
}
