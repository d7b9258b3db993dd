#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace smlp::testing {

// A folder in CIFAR-10's binary layout with small batches: `per_batch` records in each of the five training
// files and in the test file. The class is told by the first channel's brightness, under noise.
inline void write_cifar10(const std::filesystem::path& folder, int per_batch) {
  std::filesystem::create_directories(folder);
  std::uint32_t noise = 1;
  const auto write_batch = [&](const std::string& name) {
    std::ofstream file(folder / name, std::ios::binary);
    for (int record = 0; record < per_batch; ++record) {
      const int label = record % 10;
      file.put(static_cast<char>(label));
      for (int pixel = 0; pixel < 3072; ++pixel) {
        noise = noise * 1664525u + 1013904223u;
        const int bright = pixel < 1024 ? 20 * label : 100;
        file.put(static_cast<char>(bright + (noise >> 26)));
      }
    }
  };
  for (int batch = 1; batch <= 5; ++batch) write_batch("data_batch_" + std::to_string(batch) + ".bin");
  write_batch("test_batch.bin");
  std::ofstream names(folder / "batches.meta.txt");
  for (const char* name :
       {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"})
    names << name << '\n';
}

}  // namespace smlp::testing
