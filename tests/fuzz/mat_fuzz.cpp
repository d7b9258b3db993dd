// MATLAB's level 5 files, as far as ImageNet's development kit needs them.
#include "fuzz.hpp"
#include "smlp/formats/mat.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  fuzz::refuses_only_as(ErrorKind::data, [&] {
    const MatStructArray synsets = parse_mat_struct(fuzz::bytes_of(data, size), "synsets", "meta.mat");
    for (std::size_t i = 0; i < std::min<std::size_t>(synsets.size(), 100); ++i) {
      synsets.number(i, "ILSVRC2012_ID");
      synsets.text(i, "WNID");
    }
  });
  return 0;
}
