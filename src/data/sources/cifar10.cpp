#include "smlp/data/sources/cifar10.hpp"

#include <array>
#include <set>

#include "smlp/core/error.hpp"
#include "smlp/formats/archive.hpp"

namespace smlp {
namespace {

constexpr int side = 32;
constexpr std::size_t plane = side * side, record_bytes = 1 + 3 * plane;
constexpr std::array<std::string_view, 5> train_files = {
    "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"};
constexpr std::string_view test_file = "test_batch.bin", names_file = "batches.meta.txt";

std::string_view split_of(std::string_view file) {
  if (file == test_file) return "test";
  for (std::string_view each : train_files)
    if (file == each) return "train";
  return "";
}

// The file's name when it lies at the top or in the one folder the distribution has; otherwise empty.
std::string_view file_name(std::string_view path) {
  const auto parts = path_parts(path);
  return parts.empty() || parts.size() > 2 || is_hidden(parts) ? "" : parts.back();
}

Image interleave(const std::byte* planar) {
  Image image{side, side, std::vector<std::uint8_t>(3 * plane)};
  for (std::size_t i = 0; i < plane; ++i)
    for (std::size_t c = 0; c < 3; ++c)
      image.pixels[3 * i + c] = std::to_integer<std::uint8_t>(planar[c * plane + i]);
  return image;
}

std::vector<std::string> read_names(const ArchiveEntry& entry) {
  std::vector<std::string> names;
  std::string line;
  for (const std::byte each : entry.bytes) {
    const char c = static_cast<char>(each);
    if (c != '\n' && c != '\r') {
      line += c;
    } else if (!line.empty()) {
      names.push_back(std::move(line));
      line.clear();
    }
  }
  if (!line.empty()) names.push_back(line);
  return names;
}

class Reading {
 public:
  Reading(const SourceRequest& request, const SampleSink& sink) : request_(request), sink_(sink) {}

  bool wanted(std::string_view file) const {
    const std::string_view split = split_of(file);
    if (split == "test") return request_.wants("test") || request_.wants("val");
    return file == names_file || (split == "train" && request_.wants("train"));
  }

  void visit(const ArchiveEntry& entry) {
    const std::string_view file = file_name(entry.path), split = split_of(file);
    if (file == names_file) {
      result_.classes = read_names(entry);
      return;
    }
    const std::string where = request_.from.string() + ": " + entry.path;
    if (!seen_.insert(std::string(file)).second)
      fail(ErrorKind::data, "{}: the archive has two files of this name", where);
    if (entry.bytes.empty() || entry.bytes.size() % record_bytes != 0)
      fail(ErrorKind::data, "{}: {} bytes, expected a multiple of {}", where, entry.bytes.size(),
           record_bytes);
    std::vector<std::int64_t>& labels = result_.labels[std::string(split)];
    for (std::size_t i = 0; i < entry.bytes.size() / record_bytes; ++i) {
      const std::byte* record = entry.bytes.data() + i * record_bytes;
      if (const int label = std::to_integer<int>(record[0]); label > 9)
        fail(ErrorKind::data, "{}: label {} in record {} (byte {}), expected 0 to 9", where, label, i,
             i * record_bytes);
      labels.push_back(std::to_integer<std::int64_t>(record[0]));
      sink_({std::string(split), fmt::format("{}:{}", file, i), {}, interleave(record + 1)});
    }
  }

  SourceResult finish() {
    const std::string from = request_.from.string();
    if (seen_.empty())
      fail(ErrorKind::data,
           "{}: holds none of data_batch_1.bin to data_batch_5.bin and test_batch.bin; expected CIFAR-10's "
           "binary version",
           from);
    if (result_.labels.contains("train"))
      for (std::string_view each : train_files)
        if (!seen_.contains(std::string(each))) fail(ErrorKind::data, "{}: {} is missing", from, each);
    if (result_.classes.empty()) fail(ErrorKind::data, "{}: {} is missing or empty", from, names_file);
    if (result_.classes.size() != 10)
      fail(ErrorKind::data, "{}: {} lists {} classes, expected 10", from, names_file, result_.classes.size());
    return std::move(result_);
  }

 private:
  const SourceRequest& request_;
  const SampleSink& sink_;
  SourceResult result_;
  std::set<std::string> seen_;
};

}  // namespace

SourceResult read_cifar10(const SourceRequest& request, const SampleSink& sink) {
  Reading reading(request, sink);
  read_archive(
      request.from, [&](const std::string& path) { return reading.wanted(file_name(path)); },
      [&](ArchiveEntry&& entry) { reading.visit(entry); });
  return reading.finish();
}

}  // namespace smlp
