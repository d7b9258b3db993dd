#include "smlp/data/dataset_json.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"
#include "smlp/data/block_hash.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/formats/json.hpp"

namespace smlp {
namespace {

using Json = nlohmann::json;

constexpr int version = 1;
constexpr int max_depth = 4;
constexpr std::size_t max_classes = 10'000'000;

class Reader {
 public:
  Reader(const Json& object, std::string_view name) : object_(object), name_(name) {}

  const Json& member(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end())
      fail(ErrorKind::data, "{}: no member \"{}\"; pack the data again with `smlp pack`", name_, key);
    return *found;
  }
  std::int64_t integer(const char* key, std::int64_t low, std::int64_t high) const {
    const Json& value = member(key);
    if (!value.is_number_integer() || value.get<double>() < static_cast<double>(low) ||
        value.get<double>() > static_cast<double>(high))
      fail(ErrorKind::data, "{}: \"{}\" is {}, expected an integer from {} to {}", name_, key, brief(value),
           low, high);
    return value.get<std::int64_t>();
  }
  std::string word(const char* key, std::initializer_list<std::string_view> allowed = {}) const {
    const Json& value = member(key);
    if (!value.is_string())
      fail(ErrorKind::data, "{}: \"{}\" is {}, expected a string", name_, key, brief(value));
    auto text = value.get<std::string>();
    for (std::string_view each : allowed)
      if (text == each) return text;
    if (allowed.size() != 0)
      fail(ErrorKind::data, "{}: \"{}\" is {}, expected one of \"{}\"", name_, key, brief(value),
           fmt::join(allowed, "\", \""));
    return text;
  }
  std::vector<std::string> words(const char* key) const {
    const Json& value = member(key);
    if (!value.is_array() || value.size() > max_classes)
      fail(ErrorKind::data, "{}: \"{}\" is {}, expected a list of strings", name_, key, brief(value));
    std::vector<std::string> result;
    for (const Json& each : value) {
      if (!each.is_string() || each.get_ref<const std::string&>().empty())
        fail(ErrorKind::data, "{}: \"{}\" holds {}, expected non-empty strings", name_, key, brief(each));
      result.push_back(each.get<std::string>());
    }
    return result;
  }
  std::vector<BadImage> bad_images(const char* key) const {
    std::vector<BadImage> result;
    const Json& value = member(key);
    for (const Json& each : value.is_array() ? value : Json::array()) {
      const Reader image(each, name_);
      if (!each.is_object())
        fail(ErrorKind::data, "{}: \"{}\" holds {}, expected objects", name_, key, brief(each));
      result.push_back({image.word("name"), image.word("reason")});
    }
    if (!value.is_array())
      fail(ErrorKind::data, "{}: \"{}\" is {}, expected a list", name_, key, brief(value));
    return result;
  }
  std::vector<double> channels(const char* key, double high) const {
    const Json& value = member(key);
    std::vector<double> result;
    if (value.is_array() && value.size() == 3)
      for (const Json& each : value)
        if (each.is_number() && each.get<double>() >= 0 && each.get<double>() <= high)
          result.push_back(each.get<double>());
    if (result.size() != 3)
      fail(ErrorKind::data, "{}: \"{}\" is {}, expected three numbers from 0 to {}", name_, key, brief(value),
           high);
    return result;
  }

 private:
  static std::string brief(const Json& value) {
    const std::string text =
        value.is_structured() ? value.type_name() : value.dump(-1, ' ', true, Json::error_handler_t::replace);
    return text.size() <= 60 ? text : text.substr(0, 57) + "...";
  }
  const Json& object_;
  std::string_view name_;
};

void check_hashes(const DatasetInfo& info, std::string_view name) {
  const auto bytes = static_cast<std::uint64_t>(info.images) * info.image_size * info.image_size * 3;
  const std::uint64_t blocks = (bytes + pack_block_bytes - 1) / pack_block_bytes;
  if (!info.block_hashes.empty() && info.block_hashes.size() != blocks)
    fail(ErrorKind::data, "{}: {} hashes in \"xxh3_64\", expected {} (one for each {} bytes)", name,
         info.block_hashes.size(), blocks, pack_block_bytes);
}

}  // namespace

std::string dataset_json_text(const DatasetInfo& info) {
  Json bad_images = Json::array();
  for (const BadImage& each : info.bad_images)
    bad_images.push_back({{"name", each.name}, {"reason", each.reason}});
  const nlohmann::ordered_json json = {{"format", "smlp-dataset"},
                                       {"version", version},
                                       {"source", info.source},
                                       {"family", info.family},
                                       {"resize", info.resize},
                                       {"decode", info.decode},
                                       {"image_size", info.image_size},
                                       {"images", info.images},
                                       {"classes", info.classes},
                                       {"bad_images", bad_images},
                                       {"mean", info.statistics.mean},
                                       {"std", info.statistics.std},
                                       {"block_bytes", pack_block_bytes},
                                       {"xxh3_64", info.block_hashes},
                                       {"labels_xxh3_64", info.labels_hash}};
  std::string text = json_text(json, 1) + "\n";
  if (text.size() > max_dataset_json_bytes)
    fail(ErrorKind::data,
         "dataset.json would have {} bytes, at most {} are read: {} class names and {} bad images are too "
         "many or "
         "too long",
         text.size(), max_dataset_json_bytes, info.classes.size(), info.bad_images.size());
  return text;
}

DatasetInfo parse_dataset_json(std::string_view text, std::string_view name) {
  const Json json = parse_json(text, name, max_depth);
  if (!json.is_object()) fail(ErrorKind::data, "{}: {} where an object was expected", name, json.type_name());
  const Reader reader(json, name);
  reader.word("format", {"smlp-dataset"});
  if (const auto found = reader.integer("version", 1, 1 << 20); found != version)
    fail(ErrorKind::data, "{}: format version {}, this program reads {}; pack the data again", name, found,
         version);
  reader.integer("block_bytes", pack_block_bytes, pack_block_bytes);
  DatasetInfo info;
  info.source = reader.word("source");
  info.family = reader.word("family", {"", "cifar", "imagenet", "stl"});
  info.resize = reader.word("resize", {"none", "squash", "crop"});
  info.decode = reader.word("decode", {"accurate", "fast"});
  info.image_size = static_cast<int>(reader.integer("image_size", 1, max_image_size));
  info.images = reader.integer("images", 1, std::int64_t{1} << 36);
  info.classes = reader.words("classes");
  info.bad_images = reader.bad_images("bad_images");
  info.statistics = {reader.channels("mean", 1.0), reader.channels("std", 1.0)};
  info.block_hashes = reader.words("xxh3_64");
  if (json.contains("labels_xxh3_64")) info.labels_hash = reader.word("labels_xxh3_64");
  check_class_names(info.classes, name);
  check_hashes(info, name);
  return info;
}

}  // namespace smlp
