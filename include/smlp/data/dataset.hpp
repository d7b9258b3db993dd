#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "smlp/formats/npy.hpp"

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

// One split of a packed data set: N images of uint8 [size][size][3] and N labels, −1 each when there are no
// classes. The images are mapped,
// never read as a whole (or owned, for the embedded data set). Safe to share between threads.
class Dataset {
 public:
  // Opens one split's folder (images.npy, labels.npy, names.txt, dataset.json). Checks shapes, sizes and the
  // range of every label, hashes nothing. Missing or inconsistent files: Error(data) naming file and reason.
  static std::shared_ptr<const Dataset> open(const std::filesystem::path& split_directory);

  // From memory: images of info.images × size × size × 3 bytes, and as many labels. Checked as open() does.
  static std::shared_ptr<const Dataset> from_memory(DatasetInfo info, std::vector<std::uint8_t> images,
                                                    std::vector<std::int64_t> labels);

  const DatasetInfo& info() const { return info_; }
  std::int64_t size() const { return info_.images; }
  int image_size() const { return info_.image_size; }
  int classes() const { return static_cast<int>(info_.classes.size()); }
  const std::uint8_t* image(std::int64_t i) const { return images_ + i * image_bytes_; }
  std::int64_t label(std::int64_t i) const { return labels_[i]; }
  void will_need(std::int64_t first,
                 std::int64_t last) const;  // asks the system to read images [first, last) soon
  const std::string& description() const { return description_; }  // a path, or "shapes (generated)"
  std::string fingerprint()
      const;  // 16 hex digits over info's hashes, counts and classes: names the data in env.json

  // The files still have the length they had when they were opened, else Error(data): a map of a file that
  // was cut faults where it is read. Cheap enough for every epoch.
  void check_files() const;

  // Reads all images and labels and compares them with their hashes, telling `progress` the bytes of images
  // read so far: Error(data) naming the labels or the first block that differs, or that the images have no
  // hashes. Labels without a hash pass.
  void verify(const std::function<void(std::uint64_t bytes)>& progress = {}) const;

 private:
  Dataset() = default;
  void check_labels() const;
  void verify_labels() const;

  DatasetInfo info_;
  std::string description_;
  NpyFile mapped_images_, mapped_labels_;
  std::vector<std::uint8_t> owned_images_;
  std::vector<std::int64_t> owned_labels_;
  const std::uint8_t* images_ = nullptr;
  const std::int64_t* labels_ = nullptr;
  std::int64_t image_bytes_ = 0;
};

// Opens a split of `root`: "shapes"; a pack's root ("train" or "test" below it; "val" is another name of
// "test"); one split's own folder, whatever `split` says; or the same below $SMLP_DATA. `split` is "train",
// "test" or "val". Not found: Error(data) naming the places tried and `smlp pack`.
std::shared_ptr<const Dataset> open_dataset(const std::string& root, const std::string& split);

// Where a pack is: its splits are those of train, test, val and unlabeled below `root` that hold a
// dataset.json, or `root` itself.
struct PackPlace {
  std::filesystem::path root;
  std::vector<std::filesystem::path> splits;
};
PackPlace find_pack(const std::string& root);  // as it is or below $SMLP_DATA; no splits: no pack is there
std::string split_name(const std::filesystem::path& split_directory);  // the folder's own name

// Published channel statistics by family: "cifar", "imagenet", "stl". Unknown: Error(usage) with the known
// names.
ChannelStatistics family_statistics(const std::string& family);

// Channel statistics from sums over `pixels` pixels of the values 0..255 and of their squares.
ChannelStatistics statistics_from_sums(const std::array<std::uint64_t, 3>& sums,
                                       const std::array<std::uint64_t, 3>& squares, std::uint64_t pixels);

// Which samples a run uses, sorted ascending. Every class keeps the first part of its own seeded permutation,
// so smaller subsets are contained in larger ones, at the same seed and holdout.
struct SubsetConfig {
  double fraction = 1.0;       // (0, 1]: of each class, rounded to nearest, at least 1
  std::int64_t per_class = 0;  // > 0: this many of each class instead, all of a class that has fewer
  double holdout = 0.0;        // [0, 1): set aside per class before the rest is drawn from; leaves at least 1
};
struct Subset {
  std::vector<std::int64_t> train;  // 8 bytes an image, also when every image is used
  std::vector<std::int64_t> holdout;
};
Subset choose_subset(const Dataset& dataset, const SubsetConfig& config, std::uint64_t seed);

}  // namespace smlp
