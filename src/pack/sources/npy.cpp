#include "smlp/pack/sources/npy.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/formats/npy.hpp"
#include "smlp/pack/sources/numbered_labels.hpp"
#include "smlp/pack/sources/shards.hpp"

namespace smlp {
namespace {

using LoadLabel = std::int64_t (*)(const std::byte*);

template <class T>
std::int64_t load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  if constexpr (sizeof(T) == 8 && !std::numeric_limits<T>::is_signed)
    value = std::min(value, static_cast<T>(std::numeric_limits<std::int64_t>::max()));
  return static_cast<std::int64_t>(value);
}

struct LabelType {
  std::string_view dtype;
  LoadLabel load;
};
constexpr LabelType label_types[] = {{"|u1", load<std::uint8_t>},  {"|i1", load<std::int8_t>},
                                     {"<u2", load<std::uint16_t>}, {"<i2", load<std::int16_t>},
                                     {"<u4", load<std::uint32_t>}, {"<i4", load<std::int32_t>},
                                     {"<u8", load<std::uint64_t>}, {"<i8", load<std::int64_t>}};

LoadLabel loader_of(const NpyFile& labels, const fs::path& path) {
  for (const LabelType& each : label_types)
    if (each.dtype == labels.header().dtype) return each.load;
  fail(ErrorKind::data, "{}: elements of type '{}', expected whole numbers", path.string(),
       labels.header().dtype);
}

void check(const NpyHeader& images, const NpyHeader& labels, const fs::path& folder) {
  const std::vector<std::int64_t>& shape = images.shape;
  if (images.dtype != "|u1" || shape.size() != 4 || shape[3] != 3)
    fail(ErrorKind::data, "{}: '{}' of shape ({}), expected '|u1' of shape (N, height, width, 3)",
         (folder / "images.npy").string(), images.dtype, fmt::join(shape, ", "));
  if (labels.shape.size() != 1 || labels.shape[0] != shape[0])
    fail(ErrorKind::data, "{}: shape ({}), expected ({}) as images.npy has so many images",
         (folder / "labels.npy").string(), fmt::join(labels.shape, ", "), shape[0]);
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  if (empty || shape[1] > max_image_pixels / shape[2])
    fail(ErrorKind::data, "{}: {} images of {}×{} pixels, expected at least one image of 1 to {} pixels",
         (folder / "images.npy").string(), shape[0], shape[2], shape[1], max_image_pixels);
}

void read_pair(const Shard& shard, NumberedLabels& labels, const SampleSink& sink) {
  const fs::path folder = shard.path.parent_path(), labels_path = folder / "labels.npy";
  const NpyFile images(shard.path), numbers(labels_path);
  check(images.header(), numbers.header(), folder);
  const LoadLabel load_label = loader_of(numbers, labels_path);
  const std::size_t label_bytes = npy_item_size(numbers.header().dtype);
  const std::vector<std::int64_t>& shape = images.header().shape;
  const auto image_bytes = static_cast<std::size_t>(shape[1] * shape[2] * 3);
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    const auto at = static_cast<std::size_t>(i);
    labels.add(shard.split, load_label(numbers.data() + at * label_bytes),
               fmt::format("{}: element {}", labels_path.string(), i));
    const auto* const first = reinterpret_cast<const std::uint8_t*>(images.data()) + at * image_bytes;
    sink({shard.split,
          fmt::format("{}:{}", shard.name, i),
          {},
          {static_cast<int>(shape[2]), static_cast<int>(shape[1]), {first, first + image_bytes}}});
  }
}

std::vector<Shard> find_pairs(const fs::path& from) {
  if (!fs::is_directory(from))
    fail(ErrorKind::data, "{}: not a folder; expected one with images.npy and labels.npy", from.string());
  std::vector<Shard> pairs;
  for (const std::string name : {"images.npy", "train/images.npy", "test/images.npy", "val/images.npy"})
    if (fs::exists(from / name)) pairs.push_back({from / name, name, ""});
  if (pairs.empty())
    fail(ErrorKind::data, "{}: holds no images.npy, nor does train/, test/ or val/ in it", from.string());
  if (pairs.size() > 1 && pairs[0].name == "images.npy")
    fail(ErrorKind::data, "{}: images.npy beside {}; keep one of them", from.string(), pairs[1].name);
  return pairs;
}

fs::path class_list(const SourceRequest& request) {
  const fs::path beside = request.from / "classes.txt";
  return request.options.classes.empty() && fs::exists(beside) ? beside : request.options.classes;
}

}  // namespace

SourceResult read_npy(const SourceRequest& request, const SampleSink& sink) {
  std::vector<Shard> pairs = find_pairs(request.from);
  NumberedLabels labels(class_list(request));
  std::int64_t skipped = 0;
  for (const Shard& each : choose_shards(std::move(pairs), request, skipped)) read_pair(each, labels, sink);
  return labels.finish(skipped);
}

}  // namespace smlp
