// Runs a fuzz target without libFuzzer on every file of the folders given: replay FOLDER… The last path said
// is the input that ended it.
#include <algorithm>
#include <vector>

#include "fuzz.hpp"
#include "smlp/core/files.hpp"

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  std::vector<fs::path> inputs;
  for (int i = 1; i < argc; ++i)
    if (fs::is_directory(argv[i]))
      for (const auto& entry : fs::directory_iterator(argv[i])) inputs.push_back(entry.path());
  std::sort(inputs.begin(), inputs.end());
  for (const fs::path& each : inputs) {
    std::fprintf(stderr, "%s\n", each.c_str());
    const std::vector<std::byte> bytes = smlp::read_bytes(each, 1 << 24);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  std::printf("%zu inputs\n", inputs.size());
  return inputs.empty() ? 1 : 0;
}
