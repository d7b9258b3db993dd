#include "smlp/pack/sources/npy.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/formats/npy.hpp"
#include "smlp/pack/sources/folder_layout.hpp"
#include "smlp/pack/sources/numbered_labels.hpp"
#include "smlp/pack/sources/shards.hpp"

namespace smlp {
namespace {

// Nothing for a float that is not whole.
using LoadLabel = std::optional<std::int64_t> (*)(const std::byte*);

template <class T, bool swap>
std::optional<std::int64_t> load(const std::byte* bytes) {
  std::array<std::byte, sizeof(T)> own;
  std::copy_n(bytes, sizeof(T), own.begin());
  if (swap) std::ranges::reverse(own);
  const T value = std::bit_cast<T>(own);
  constexpr auto largest = std::numeric_limits<std::int64_t>::max();
  if constexpr (std::is_floating_point_v<T>) {
    if (value != std::trunc(value) || std::abs(value) > T{1e15}) return std::nullopt;
  } else if constexpr (sizeof(T) == 8 && std::is_unsigned_v<T>) {
    return static_cast<std::int64_t>(std::min(value, static_cast<T>(largest)));
  }
  return static_cast<std::int64_t>(value);
}

struct LabelType {
  std::string_view type;  // without the order of its bytes
  LoadLabel little, big;
};
template <class T>
constexpr LabelType label_type(std::string_view type) {
  return {type, load<T, false>, load<T, true>};
}
constexpr LabelType label_types[] = {
    label_type<std::uint8_t>("b1"),  label_type<std::uint8_t>("u1"),  label_type<std::int8_t>("i1"),
    label_type<std::uint16_t>("u2"), label_type<std::int16_t>("i2"),  label_type<std::uint32_t>("u4"),
    label_type<std::int32_t>("i4"),  label_type<std::uint64_t>("u8"), label_type<std::int64_t>("i8"),
    label_type<float>("f4"),         label_type<double>("f8")};

LoadLabel loader_of(const NpyFile& labels, const fs::path& path) {
  const std::string& dtype = labels.header().dtype;
  for (const LabelType& each : label_types)
    if (dtype.substr(1) == each.type) return dtype[0] == '>' ? each.big : each.little;
  fail(ErrorKind::data, "{}: elements of type '{}', expected whole numbers: labels.astype(\"int64\")",
       path.string(), dtype);
}

// What to do with an array that holds images in another way; "" where that cannot be told.
std::string remedy(const NpyHeader& images) {
  const std::vector<std::int64_t>& shape = images.shape;
  const auto last = shape.empty() ? 0 : shape.back();
  if (images.dtype != "|u1")
    return images.dtype[1] == 'f' ? "; of floats from 0 to 1 make (255 * images).round().astype(\"uint8\")"
                                  : "; if its values are 0 to 255, images.astype(\"uint8\")";
  if (shape.size() == 4 && shape[1] == 3) return "; images.transpose(0, 2, 3, 1) puts the channels last";
  if (shape.size() == 4 && last == 4) return "; images[..., :3] drops the alpha channel";
  if (shape.size() == 4 && last == 1) return "; images.repeat(3, 3) makes three channels of a grey one";
  if (shape.size() == 3) return "; images[..., None].repeat(3, 3) makes three channels of a grey one";
  return "";
}

void check(const NpyHeader& images, const NpyHeader& labels, const fs::path& folder) {
  const std::vector<std::int64_t>& shape = images.shape;
  if (images.dtype != "|u1" || shape.size() != 4 || shape[3] != 3)
    fail(ErrorKind::data, "{}: '{}' of shape ({}), expected '|u1' of shape (N, height, width, 3){}",
         (folder / "images.npy").string(), images.dtype, fmt::join(shape, ", "), remedy(images));
  const bool column = labels.shape.size() == 2 && labels.shape[1] == 1;
  if ((labels.shape.size() != 1 && !column) || labels.shape[0] != shape[0])
    fail(ErrorKind::data, "{}: shape ({}), expected ({}) as images.npy has so many images{}",
         (folder / "labels.npy").string(), fmt::join(labels.shape, ", "), shape[0],
         labels.shape.size() == 2 ? "; of one-hot rows labels.argmax(1) makes them" : "");
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
    const std::optional<std::int64_t> label = load_label(numbers.data() + at * label_bytes);
    if (!label) fail(ErrorKind::data, "{}: element {} is not a whole number", labels_path.string(), i);
    labels.add(shard.split, *label, fmt::format("{}: element {}", labels_path.string(), i));
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
  const FolderLayout layout = find_layout(from, folder_lister(from), {});
  std::vector<Shard> pairs;
  for (const auto& [split, folder] : layout.splits)
    if (const std::string name = layout.root + folder + "/images.npy"; fs::exists(from / name))
      pairs.push_back({from / name, name, ""});
  if (fs::exists(from / "images.npy")) {
    if (!pairs.empty())
      fail(ErrorKind::data, "{}: images.npy beside {}; keep one of them", from.string(), pairs[0].name);
    return {{from / "images.npy", "images.npy", ""}};
  }
  if (pairs.empty())
    fail(ErrorKind::data, "{}: holds no images.npy, nor does train/, test/ or val/ in it", from.string());
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
