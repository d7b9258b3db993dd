#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace smlp {

// One split that was found as it was packed.
struct VerifiedSplit {
  std::string name;  // its folder's
  std::int64_t images = 0;
  int classes = 0;
  std::uint64_t bytes = 0;     // of images.npy's data, hashed
  bool labels_hashed = false;  // packs of earlier versions have no hash of their labels
  bool real_labels = false;    // there is a real_labels.json
};

struct VerifyReport {
  std::vector<VerifiedSplit> splits;
  bool unfinished = false;  // a .packing folder lies beside the splits
};

// Called with the bytes of images hashed so far, of all splits' bytes.
using VerifyProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// Reads all of a pack, `root` being what find_pack() takes: sizes, the range of every label, one class list
// for all splits, as many names as images, real_labels.json where it is, and the hashes of images and labels.
// Error(data) naming file and reason at the first thing that is wrong, Error(failed) when a stop signal came.
VerifyReport verify_pack(const std::string& root, const VerifyProgress& progress = {});

}  // namespace smlp
