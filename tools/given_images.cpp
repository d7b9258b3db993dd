#include "given_images.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"
#include "smlp/data/fit_image.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/data/split_names.hpp"
#include "smlp/formats/archive.hpp"
#include "smlp/formats/decode.hpp"
#include "smlp/pack/sources/source.hpp"

namespace smlp {
namespace {

constexpr std::uint64_t max_file_bytes = 1 << 30;

std::vector<std::byte> file_bytes(const std::string& path) {
  if (!is_stream(path)) return read_bytes(path, max_file_bytes);
  const std::string text = read_stream(path, max_file_bytes);
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// The images below a folder, by their relative paths.
class FolderImages {
 public:
  std::vector<std::string> find(const fs::path& folder) {
    read_archive(
        folder, [this](const std::string& path) { return wanted(path); },
        [this](ArchiveEntry& entry) { visit(entry); });
    if (found_.empty()) fail(ErrorKind::data, "{}: no images in it", printable(folder.string()));
    if (passed_over_ > 0)
      log().warn("{}: {} files that are no images are passed over", printable(folder.string()), passed_over_);
    return std::move(found_);
  }

 private:
  // Files are opened only where the name does not tell.
  bool wanted(const std::string& path) {
    if (is_hidden(path_parts(path))) return false;
    if (!path.ends_with('/') && named_like_an_image(path)) {
      found_.push_back(path);
      return false;
    }
    if (!is_utf8(path)) log().warn("{}: passed over: its name is not UTF-8", printable(path));
    return is_utf8(path);
  }

  void visit(ArchiveEntry& entry) {
    std::array<std::byte, image_kind_bytes> bytes;
    const std::size_t size = entry.read(bytes);
    if (image_kind(std::span(bytes).first(size)) == ImageKind::none)
      ++passed_over_;
    else
      found_.push_back(entry.path());
  }

  std::vector<std::string> found_;
  std::int64_t passed_over_ = 0;
};

}  // namespace

void GivenImages::add(const std::string& path) {
  if (path == "-" && std::exchange(reads_input_, true))
    fail(ErrorKind::usage, "standard input is named twice");
  std::error_code none;
  const fs::file_status status = fs::status(path, none);
  if (path == "-" || (fs::exists(status) && !fs::is_directory(status))) return add_file(path);
  if (path == "shapes" && !fs::exists(status)) return add_pack(open_dataset(path, "test"));
  if (const PackPlace pack = find_pack(path); !pack.splits.empty()) return add_splits(path, pack.splits);
  fs::is_directory(status) ? add_folder(path) : add_file(path);
}

void GivenImages::add_list(const std::string& file) {
  if (file == "-" && std::exchange(reads_input_, true))
    fail(ErrorKind::usage, "standard input is named twice");
  const std::string text =
      is_stream(file) ? read_stream(file, max_file_bytes) : read_file(file, max_file_bytes);
  if (text.find('\0') == std::string::npos) {
    for (const std::string& line : text_lines(text)) add(line);
  } else {  // of `find -print0`
    std::istringstream names(text);
    for (std::string name; std::getline(names, name, '\0');) add(name);
  }
}

void GivenImages::add_file(const std::string& path) {
  if (parts_.empty() || parts_.back().pack) parts_.push_back({size(), {}, nullptr});
  parts_.back().names.push_back(path);
}

void GivenImages::add_folder(const std::string& folder) {
  for (const std::string& path : FolderImages().find(folder)) add_file((fs::path(folder) / path).string());
}

void GivenImages::add_splits(const std::string& root, const std::vector<fs::path>& splits) {
  const auto test = std::ranges::find_if(
      splits, [](const fs::path& split) { return packed_split(split_name(split)) == "test"; });
  if (test == splits.end() && splits.size() > 1)
    fail(ErrorKind::usage, "{}: a packed data set without a test split; name one, such as {}", root,
         splits[0].string());
  add_pack(Dataset::open(test == splits.end() ? splits[0] : *test));
}

void GivenImages::add_pack(std::shared_ptr<const Dataset> pack) {
  parts_.push_back({size(), image_names(*pack), pack});
}

std::int64_t GivenImages::size() const {
  return parts_.empty() ? 0 : parts_.back().first + std::ssize(parts_.back().names);
}

const GivenImages::Part& GivenImages::part_of(std::int64_t i) const {
  const auto after = std::ranges::upper_bound(parts_, i, {}, &Part::first);
  return *(after - 1);
}

Image GivenImages::load(std::int64_t i) const {
  const Part& part = part_of(i);
  if (part.pack) {
    const int side = part.pack->image_size();
    const std::uint8_t* const pixels = part.pack->image(i - part.first);
    return {side, side, {pixels, pixels + std::size_t{3} * side * side}};
  }
  const std::string& path = part.names[static_cast<std::size_t>(i - part.first)];
  const std::string shown = path == "-" ? "standard input" : printable(path);
  const int size = preparation_.size;
  Image image = decode_image(file_bytes(path), shown, preparation_.decode == "fast" ? size : 0);
  return fit_image(std::move(image), size, preparation_.resize, shown, preparation_.crop_pct);
}

std::string GivenImages::name(std::int64_t i) const {
  const Part& part = part_of(i);
  return part.names[static_cast<std::size_t>(i - part.first)];
}

std::vector<std::string> image_names(const Dataset& dataset) {
  const fs::path path = fs::path(dataset.description()) / "names.txt";
  std::vector<std::string> names;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) names.push_back(line);
  if (names.empty() && !fs::exists(path))  // generated
    for (std::int64_t i = 0; i < dataset.size(); ++i) names.push_back(std::to_string(i));
  if (std::ssize(names) != dataset.size())
    fail(ErrorKind::data, "{}: {} lines for {} images: it was changed since packing", path.string(),
         names.size(), dataset.size());
  return names;
}

}  // namespace smlp
