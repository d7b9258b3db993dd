#include "smlp/pack/sources/webdataset.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/archive.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/pack/sources/numbered_labels.hpp"
#include "smlp/pack/sources/shards.hpp"

namespace smlp {
namespace {

constexpr std::size_t label_bytes_limit = 1 << 20;  // bytes of a .cls or .json file
constexpr int label_depth = 64;
constexpr std::uint64_t shard_limit = 1'000'000;

bool named_like_a_shard(std::string_view file) {
  constexpr std::string_view endings[] = {".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst"};
  return std::ranges::any_of(endings,
                             [&](std::string_view each) { return lower_case(file).ends_with(each); });
}

// The whole of a text as a number without sign; nothing if it is anything else.
std::optional<std::uint64_t> digits(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "name-{00..12}.tar" → name-00.tar to name-12.tar.
std::vector<Shard> expand_pattern(const std::string& pattern) {
  const std::size_t open = pattern.find('{'), dots = pattern.find("..", open), close = pattern.find('}');
  const auto malformed = [&](std::string_view reason) {
    fail(ErrorKind::data, "{}: {}; expected one range of whole numbers as in name-{{000000..000012}}.tar",
         pattern, reason);
  };
  if (dots == std::string::npos || close == std::string::npos || close < dots ||
      pattern.find_first_of("{}", close + 1) != std::string::npos)
    malformed("not a pattern of shards");
  const std::string from = pattern.substr(open + 1, dots - open - 1),
                    to = pattern.substr(dots + 2, close - dots - 2);
  const auto first = digits(from), last = digits(to);
  if (!first || !last || *first > *last) malformed(fmt::format("\"{}..{}\" is not a range", from, to));
  if (*last - *first >= shard_limit)
    fail(ErrorKind::data, "{}: a range of over {} shards", pattern, shard_limit);
  const bool padded = (from.size() > 1 && from[0] == '0') || (to.size() > 1 && to[0] == '0');
  const std::size_t width = padded ? std::max(from.size(), to.size()) : 1;
  std::vector<Shard> shards;
  for (std::uint64_t i = 0; i <= *last - *first; ++i) {
    const fs::path path =
        fmt::format("{}{:0{}}{}", pattern.substr(0, open), *first + i, width, pattern.substr(close + 1));
    shards.push_back({path, path.filename().string(), ""});
  }
  return shards;
}

void check_they_exist(const std::vector<Shard>& shards, const std::string& pattern) {
  const Shard* first = nullptr;
  std::size_t missing = 0;
  for (const Shard& each : shards)
    if (!fs::is_regular_file(each.path) && ++missing == 1) first = &each;
  if (missing > 0)
    fail(ErrorKind::data, "{}: {} of {} shards are not there, the first is {}", pattern, missing,
         shards.size(), first->path.string());
}

std::vector<Shard> shards_of(const fs::path& from, std::int64_t& skipped) {
  if (from.string().find('{') != std::string::npos && !fs::exists(from)) {
    std::vector<Shard> shards = expand_pattern(from.string());
    check_they_exist(shards, from.string());
    return shards;
  }
  std::vector<Shard> shards = find_shards(from, named_like_a_shard, skipped);
  if (shards.empty())
    fail(ErrorKind::data, "{}: holds no shards (.tar, .tar.gz, .tar.zst, …)", from.string());
  return shards;
}

std::int64_t number_in_text(std::string_view text, const NumberedLabels& labels, std::string_view where) {
  text = without_mark(text);
  const std::size_t first = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const std::size_t end = text.find_last_not_of(" \t\r\n") + 1;
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data() + first, text.data() + end, value);
  if (first < end && error == std::errc() && stop == text.data() + end) return value;
  const auto named = first < end ? labels.number_of(text.substr(first, end - first)) : std::nullopt;
  if (!named) fail(ErrorKind::data, "{}: not a whole number, nor a class that --classes lists", where);
  return *named;
}

std::int64_t number_in_json(std::string_view text, std::string_view where) {
  const nlohmann::json json = parse_json(text, where, label_depth);
  for (const char* key : {"label", "cls"}) {
    if (!json.is_object()) break;
    const auto found = json.find(key);
    if (found == json.end() || !found->is_number_integer()) continue;
    if (!found->is_number_unsigned()) return found->get<std::int64_t>();
    constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(std::min(found->get<std::uint64_t>(), largest));
  }
  fail(ErrorKind::data, "{}: not an object with a whole number as \"label\" or \"cls\"", where);
}

// A file's place in its sample.
struct Member {
  std::string key, extension;  // the key is empty for a file that belongs to no sample
  bool is_image() const {
    return extension.find('.') == std::string::npos && named_like_an_image("." + extension);
  }
  bool is_label() const { return extension == "cls" || extension == "json"; }
};

Member member_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t dot = path.find('.', slash == std::string::npos ? 0 : slash + 1);
  if (dot == std::string::npos || is_hidden(path_parts(path))) return {};
  return {path.substr(0, dot), lower_case(path.substr(dot + 1))};
}

class ShardReader {
 public:
  ShardReader(const Shard& shard, NumberedLabels& labels, PassedOver& without_image, const SampleSink& sink)
      : shard_(shard), labels_(labels), without_image_(without_image), sink_(sink) {}

  // How many files were passed over.
  std::int64_t read() {
    read_archive(
        shard_.path, [&](const std::string& path) { return wanted(path); },
        [&](ArchiveEntry& entry) { visit(entry); });
    finish_sample();
    if (samples_ == 0)
      fail(ErrorKind::data,
           "{}: holds no images as KEY.jpg, KEY.png, KEY.webp, …; a KEY ends at the first dot of a file's "
           "name{}",
           shard_.path.string(),
           odd_.empty() ? ""
                        : fmt::format(": {} is of the kind .{}", printable(odd_), member_of(odd_).extension));
    return skipped_;
  }

 private:
  struct Sample {
    std::string key;
    std::string image_path;
    std::string odd;  // the path of a file like KEY.v2.jpg
    std::vector<std::byte> image;
    std::map<std::string, std::pair<std::string, std::string>> labels;  // by extension: path and text
  };

  bool wanted(const std::string& path) {
    if (path.ends_with('/')) return false;
    const Member member = member_of(path);
    if (!member.key.empty()) begin(member.key, path);
    if (member.is_image() || member.is_label()) return true;
    if (named_like_an_image(path)) odd_ = sample_.odd = path;
    ++skipped_;
    return false;
  }

  void begin(const std::string& key, const std::string& path) {
    if (key == sample_.key) return;
    finish_sample();
    sample_.key = key;
    if (!seen_.insert(std::hash<std::string>{}(key)).second)
      fail(ErrorKind::data,
           "{}: the key comes back after other samples; the files of a sample must lie together",
           where(path));
  }

  void visit(ArchiveEntry& entry) {
    const Member member = member_of(entry.path());
    if (member.is_label()) {
      if (!sample_.labels.try_emplace(member.extension, entry.path(), label_text(entry)).second)
        fail(ErrorKind::data, "{}: a second .{} of one key", entry.where(), member.extension);
      return;
    }
    if (!sample_.image_path.empty())
      fail(ErrorKind::data, "{}: a second image of one key, after {}", entry.where(), sample_.image_path);
    sample_.image_path = entry.path();
    sample_.image = entry.bytes();
  }

  static std::string label_text(ArchiveEntry& entry) {
    std::string text;
    std::array<std::byte, 4096> buffer;
    for (std::size_t got = buffer.size(); got == buffer.size();) {
      got = entry.read(buffer);
      text.append(reinterpret_cast<const char*>(buffer.data()), got);
      if (text.size() > label_bytes_limit)
        fail(ErrorKind::data, "{}: over {} bytes for a label", entry.where(), label_bytes_limit);
    }
    return text;
  }

  void finish_sample() {
    Sample sample = std::exchange(sample_, {});
    if (sample.image_path.empty()) {
      for (const auto& [extension, label] : sample.labels)
        without_image_.add(fmt::format("{}: samples without an image", shard_.name), label.first);
      if (!sample.odd.empty() && sample.labels.empty())
        without_image_.add(fmt::format("{}: in no sample, for a key ends at the first dot", shard_.name),
                           sample.odd);
      return;
    }
    const auto cls = sample.labels.find("cls"), json = sample.labels.find("json");
    if (cls != sample.labels.end()) {
      const std::string file = where(cls->second.first);
      labels_.add(shard_.split, number_in_text(cls->second.second, labels_, file), file);
    } else if (json != sample.labels.end()) {
      const std::string file = where(json->second.first);
      labels_.add(shard_.split, number_in_json(json->second.second, file), file);
    } else {
      fail(ErrorKind::data, "{}: no label: neither {}.cls nor {}.json lies beside it",
           where(sample.image_path), printable(sample.key), printable(sample.key));
    }
    ++samples_;
    sink_({shard_.split, shard_.name + '/' + sample.image_path, std::move(sample.image), {}});
  }

  std::string where(const std::string& path) const { return shard_.path.string() + ": " + printable(path); }

  const Shard& shard_;
  NumberedLabels& labels_;
  PassedOver& without_image_;
  const SampleSink& sink_;
  Sample sample_;
  std::string odd_;                       // a file that is named like an image, but not as one of a sample
  std::unordered_set<std::size_t> seen_;  // hashes of the keys
  std::int64_t samples_ = 0, skipped_ = 0;
};

}  // namespace

SourceResult read_webdataset(const SourceRequest& request, const SampleSink& sink) {
  NumberedLabels labels(request.options.classes);
  PassedOver without_image;
  std::int64_t skipped = 0;
  for (const Shard& each : choose_shards(shards_of(request.from, skipped), request, skipped))
    skipped += ShardReader(each, labels, without_image, sink).read();
  SourceResult result = labels.finish(skipped + without_image.count());
  result.warnings = without_image.warnings();
  return result;
}

}  // namespace smlp
