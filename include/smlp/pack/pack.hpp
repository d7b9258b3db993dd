#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "smlp/pack/sources/source.hpp"

namespace smlp {

// What `smlp pack` does. The result is one folder a split below `to`: images.npy, labels.npy, names.txt,
// dataset.json.
struct PackOptions {
  std::string source;          // a name of data_sources()
  std::filesystem::path from;  // a folder, or the archive as downloaded
  std::filesystem::path to;    // the pack's root; made when missing
  // Pixels a side, at most max_image_size; 0: the images' own, which must all be the same square.
  int size = 0;
  // With `size`: "squash" the whole image to a square, or "crop": scale the short side, cut the centre.
  std::string resize = "squash";
  // Words of split_of_word() for "train", "test", "val" (written as test), "unlabeled"; empty: every split
  // found.
  std::vector<std::string> splits;
  SourceOptions source_options;  // those the source does not understand are refused
  bool fast_decode = false;      // shrink JPEGs while decoding them, to other pixels than the accurate way
  std::int64_t skip_bad = 0;     // this many images that cannot be decoded are left out and listed
  bool resume = false;           // go on from what an interrupted pack left below `to`
  // Called now and then on the calling thread with the images written; may be empty.
  std::function<void(std::int64_t done)> progress;
};

struct PackedSplit {
  std::string name;  // "train" or "test"
  std::int64_t images = 0;
  std::uint64_t bytes = 0;  // of images.npy's data
};

struct PackReport {
  std::vector<PackedSplit> splits;
  int classes = 0;
  int image_size = 0;
  std::int64_t skipped =
      0;  // files that were no image (told in warnings), or in no split or class that was asked for
  std::int64_t left_out = 0;   // images that could not be decoded
  std::int64_t continued = 0;  // images that were packed before an interruption
  int threads = 0;             // that decoded
  double seconds = 0;
};

// Reads the source once, as a stream; decodes and resizes on all cores with bounded memory; keeps the
// source's order. Splits appear whole or not at all, and none when more images than skip_bad are broken.
// Error(usage) for a wrong option, Error(data) for a target that exists or input that is broken (naming
// archive and entry), Error(failed) when the disk is full or a stop signal came (stop_signal() says which);
// then the work done stays for `resume`.
PackReport pack(const PackOptions& options);

}  // namespace smlp
