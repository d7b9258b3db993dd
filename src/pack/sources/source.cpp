#include "smlp/pack/sources/source.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cctype>

namespace smlp {

bool SourceRequest::wants(std::string_view split) const {
  return wants_folder(split) || (split == "test" && wants_folder("val"));
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
    std::sort(classes.begin(), classes.end());
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

std::string top_file_name(std::string_view path) {
  const auto parts = path_parts(path);
  return parts.empty() || parts.size() > 2 || is_hidden(parts) ? "" : std::string(parts.back());
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
  return std::any_of(parts.begin(), parts.end(),
                     [](std::string_view each) { return each[0] == '.' || each == "__MACOSX"; });
}

std::string class_of_tar(std::string_view file) {
  return file.ends_with(".tar") && file.size() > 4 ? std::string(file.substr(0, file.size() - 4)) : "";
}

bool named_like_an_image(std::string_view file) {
  const std::size_t dot = file.rfind('.');
  std::string extension(dot == std::string_view::npos ? "" : file.substr(dot + 1));
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == "jpg" || extension == "jpeg" || extension == "png";
}

}  // namespace smlp
