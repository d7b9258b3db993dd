#include "smlp/pack/sources/source.hpp"

#include <spdlog/fmt/fmt.h>
#include <xxhash.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "smlp/core/text.hpp"
#include "smlp/data/class_lists.hpp"

namespace smlp {
namespace {

constexpr std::size_t places_shown = 10;
constexpr std::string_view system_names[] = {"__MACOSX", "lost+found", "@eaDir", "$RECYCLE.BIN",
                                             "System Volume Information"};
constexpr std::string_view image_extensions[] = {".jpg", ".jpeg", ".jpe", ".jfif", ".png",  ".webp", ".bmp",
                                                 ".dib", ".gif",  ".tif", ".tiff", ".avif", ".heic", ".heif",
                                                 ".jp2", ".j2k",  ".jxl", ".ppm",  ".pgm",  ".pbm",  ".pnm",
                                                 ".tga", ".ico",  ".psd", ".svg"};

}  // namespace

std::uint64_t hash_of(const RawSample& sample) {
  const auto bytes = sample.pixels.pixels.empty() ? std::span(sample.encoded)
                                                  : std::as_bytes(std::span(sample.pixels.pixels));
  return XXH3_64bits(bytes.data(), bytes.size());
}

bool SourceRequest::wants(std::string_view split) const {
  return wants_folder(split) || (split == "test" && wants_folder("val"));
}

bool SourceRequest::wants_only(std::string_view split) const {
  return splits.size() == 1 && splits[0] == split;
}

bool SourceRequest::wants_folder(std::string_view name) const {
  return splits.empty() || std::find(splits.begin(), splits.end(), name) != splits.end();
}

bool DataSource::understands(std::string_view flag) const {
  return fmt::format(" {} ", options).find(fmt::format(" {} ", flag)) != std::string::npos;
}

void NamedLabels::add(const std::string& split, const std::string& class_name) {
  ids_[split].push_back(id_of_.emplace(class_name, static_cast<std::int64_t>(id_of_.size())).first->second);
}

SourceResult NamedLabels::finish(std::vector<std::string> classes, std::int64_t skipped) const {
  if (classes.empty()) {
    for (const auto& [name, id] : id_of_) classes.push_back(name);
    classes = class_order(std::move(classes));
  }
  std::vector<std::int64_t> label_of(id_of_.size());
  for (std::size_t label = 0; label < classes.size(); ++label)
    if (const auto id = id_of_.find(classes[label]); id != id_of_.end())
      label_of[static_cast<std::size_t>(id->second)] = static_cast<std::int64_t>(label);
  SourceResult result{std::move(classes), {}, skipped};
  for (const auto& [split, ids] : ids_) {
    std::vector<std::int64_t>& labels = result.labels[split];
    labels.reserve(ids.size());
    for (const std::int64_t id : ids) labels.push_back(label_of[static_cast<std::size_t>(id)]);
  }
  return result;
}

void PassedOver::add(const std::string& place, std::string_view file) {
  ++files_[place][file_kind(file)];
}

std::int64_t PassedOver::count() const {
  std::int64_t count = 0;
  for (const auto& [place, kinds] : files_)
    for (const auto& [kind, files] : kinds) count += files;
  return count;
}

std::vector<std::string> PassedOver::warnings() const {
  std::vector<std::string> lines;
  for (const auto& [place, kinds] : files_) {
    if (lines.size() == places_shown) {
      lines.push_back(
          fmt::format("not packed, as no images: files in {} more places", files_.size() - places_shown));
      break;
    }
    std::string text;
    for (const auto& [kind, files] : kinds)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", files, kind);
    lines.push_back(fmt::format("{}: not packed, as no images: {}", printable(place), printable(text)));
  }
  return lines;
}

std::vector<std::string> class_order(std::vector<std::string> names) {
  const auto is_number = [](const std::string& name) {
    return !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
  };
  std::sort(names.begin(), names.end());
  if (std::all_of(names.begin(), names.end(), is_number))
    std::stable_sort(names.begin(), names.end(), [](std::string_view a, std::string_view b) {
      a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
      b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    });
  return names;
}

std::string top_file_name(std::string_view path) {
  const auto parts = path_parts(path);
  return parts.empty() || parts.size() > 2 || is_hidden(parts) ? "" : std::string(parts.back());
}

bool may_hold_top_files(std::string_view folder) {
  return !top_file_name(std::string(folder) + "/x").empty();
}

std::vector<std::string> listed_classes(const SourceRequest& request) {
  return request.options.classes.empty() ? std::vector<std::string>{}
                                         : read_class_list(request.options.classes);
}

std::vector<std::string_view> path_parts(std::string_view path) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t slash = path.find('/');
    if (slash != 0 && !path.empty()) parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

bool is_hidden(const std::vector<std::string_view>& parts) {
  return std::any_of(parts.begin(), parts.end(), [](std::string_view each) {
    return each[0] == '.' || std::ranges::find(system_names, each) != std::end(system_names);
  });
}

std::string class_of_tar(std::string_view file) {
  return file.ends_with(".tar") && file.size() > 4 ? std::string(file.substr(0, file.size() - 4)) : "";
}

std::string file_kind(std::string_view file) {
  const std::size_t slash = file.rfind('/'), dot = file.rfind('.');
  const bool has_extension =
      dot != std::string_view::npos && (slash == std::string_view::npos || dot > slash);
  return has_extension ? lower_case(file.substr(dot)) : "without extension";
}

bool named_like_an_image(std::string_view file) {
  return std::ranges::find(image_extensions, file_kind(file)) != std::end(image_extensions);
}

}  // namespace smlp
