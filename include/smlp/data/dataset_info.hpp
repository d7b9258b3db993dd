#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace smlp {

inline constexpr int max_image_size = 4096;  // pixels a side of a packed image

// Per-channel mean and standard deviation of pixel values in [0, 1].
struct ChannelStatistics {
  std::vector<double> mean;  // 3
  std::vector<double> std;   // 3
};

// An image of the raw data that could not be decoded and is not in the pack.
struct BadImage {
  std::string name;
  std::string reason;
};

// What dataset.json says of a pack.
struct DatasetInfo {
  std::string source;  // a name of data_sources(), or "shapes"
  std::string family;  // normalisation family: "cifar", "imagenet", "stl", or "" (use the pack's statistics)
  std::string resize;  // "none", "squash" or "crop"
  std::string decode = "accurate";  // or "fast": JPEGs were shrunk while decoding, to other pixels
  int image_size = 0;               // images are image_size × image_size
  std::int64_t images = 0;
  std::vector<std::string> classes;  // empty: the images have no labels
  std::vector<BadImage> bad_images;
  ChannelStatistics statistics;
  std::vector<std::string>
      block_hashes;         // xxh3-64 in hex, of images.npy's data, pack_block_bytes each; may be empty
  std::string labels_hash;  // the same of labels.npy's data; may be empty
};

// Published channel statistics by family: "cifar", "imagenet", "stl". Unknown: Error(usage) with the known
// names.
ChannelStatistics family_statistics(const std::string& family);

// Channel statistics from sums over `pixels` pixels of the values 0..255 and of their squares.
ChannelStatistics statistics_from_sums(const std::array<std::uint64_t, 3>& sums,
                                       const std::array<std::uint64_t, 3>& squares, std::uint64_t pixels);

}  // namespace smlp
