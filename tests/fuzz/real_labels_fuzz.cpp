// ReaL's label sets.
#include "memory_file.hpp"
#include "smlp/data/real_labels.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  fuzz::refuses_only_as(ErrorKind::data, [&] {
    static fuzz::MemoryFile file;
    file.write(fuzz::text_of(data, size));
    const RealLabels labels = read_real_labels(file.path(), 0, 1000);
    file.write(real_labels_text(labels));
    fuzz::require(read_real_labels(file.path(), std::ssize(labels), 1000) == labels,
                  "other labels when written and read again");
  });
  return 0;
}
