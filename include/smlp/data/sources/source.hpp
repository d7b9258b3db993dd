#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "smlp/formats/image.hpp"

namespace smlp {

// One image of a raw data set, as `smlp pack` reads it.
struct RawSample {
  std::string split;               // "train" or "test"
  std::string name;                // where it is in the archive; one line of names.txt
  std::vector<std::byte> encoded;  // a JPEG or PNG file; empty when `pixels` holds the image
  Image pixels;
};

struct SourceRequest {
  std::filesystem::path from;       // a folder, or the archive as downloaded
  std::vector<std::string> splits;  // of "train", "test", "val"; empty: every split found
  bool wants(std::string_view split) const;
};

// What is known only when the whole archive was read once: labels may come after their images.
struct SourceResult {
  std::vector<std::string> classes;                         // label i is classes[i]
  std::map<std::string, std::vector<std::int64_t>> labels;  // by split, in the order the samples were given
  std::int64_t skipped = 0;  // files that are no image, or in no split that was asked for
};

// Called with every sample, split by split or mixed, in the archive's order.
using SampleSink = std::function<void(RawSample&&)>;

// A raw layout. `read` streams it once and throws Error(data) naming archive, entry and reason.
struct DataSource {
  const char* name;
  const char* help;    // one line
  const char* family;  // normalisation family, "" for the pack's own statistics
  int native_size;     // pixels a side; 0: any
  SourceResult (*read)(const SourceRequest& request, const SampleSink& sink);
};

// "a/b/c" → {a, b, c}.
std::vector<std::string_view> path_parts(std::string_view path);

bool is_hidden(const std::vector<std::string_view>& parts);  // any part begins with '.', or "__MACOSX"

enum class ImageKind { none, jpeg, png };
ImageKind image_kind(std::span<const std::byte> bytes);  // by the file's first bytes
Image decode_image(std::span<const std::byte> bytes, std::string_view name);

}  // namespace smlp
