#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "smlp/data/dataset_info.hpp"
#include "smlp/formats/npy.hpp"

namespace smlp {

// One split of a packed data set: N images of uint8 [size][size][3] and N labels, −1 each when there are no
// classes. The images are mapped, never read as a whole (or owned, for the embedded data set). Safe to share
// between threads.
class Dataset {
 public:
  // Opens one split's folder (images.npy, labels.npy, names.txt, dataset.json). Checks shapes, sizes, the
  // range of every label and their hash; of the images it reads nothing. Missing or inconsistent files:
  // Error(data) naming file and reason.
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

}  // namespace smlp
