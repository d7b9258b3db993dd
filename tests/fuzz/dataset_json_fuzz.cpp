// dataset.json of a pack.
#include "fuzz.hpp"
#include "smlp/data/dataset_json.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  fuzz::refuses_only_as(ErrorKind::data, [&] {
    const std::string text = dataset_json_text(parse_dataset_json(fuzz::text_of(data, size), "dataset.json"));
    fuzz::require(dataset_json_text(parse_dataset_json(text, "again.json")) == text,
                  "another description when written and read again");
  });
  return 0;
}
