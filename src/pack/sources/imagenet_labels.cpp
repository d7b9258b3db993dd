#include "smlp/pack/sources/imagenet_labels.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/formats/archive.hpp"
#include "smlp/formats/mat.hpp"
#include "smlp/pack/sources/source.hpp"

namespace smlp {
namespace {

constexpr std::uint64_t list_bytes = std::uint64_t{16} << 20;
constexpr std::string_view stem = "ILSVRC2012_val_";
constexpr std::string_view truth_file = "ILSVRC2012_validation_ground_truth.txt", meta_file = "meta.mat";

std::int64_t positive_number(std::string_view word) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc() && end == word.data() + word.size() && number > 0 ? number : 0;
}

std::map<std::int64_t, std::string> wnid_by_id(ArchiveEntry& entry) {
  const std::string name = entry.where();
  const MatStructArray synsets = parse_mat_struct(entry.bytes(), "synsets", name);
  std::map<std::int64_t, std::string> wnids;
  for (std::size_t i = 0; i < synsets.size(); ++i) {
    const double id = synsets.number(i, "ILSVRC2012_ID");
    if (!(id >= 1 && id <= imagenet_classes)) continue;  // an inner node of the tree, or NaN
    const std::string wnid = synsets.text(i, "WNID");
    if (!is_wnid(wnid)) fail(ErrorKind::data, "{}: synset {} has the WNID \"{}\"", name, i, wnid);
    wnids[static_cast<std::int64_t>(id)] = wnid;
  }
  return wnids;
}

ValidationLabels read_development_kit(const fs::path& path) {
  std::map<std::int64_t, std::string> wnids;
  std::vector<std::string> truth;
  read_archive(
      path,
      [](const std::string& entry) { return entry.ends_with(truth_file) || entry.ends_with(meta_file); },
      [&](ArchiveEntry& entry) {
        if (entry.path().ends_with(meta_file))
          wnids = wnid_by_id(entry);
        else
          truth = entry.lines();
      });
  if (wnids.empty() || truth.empty())
    fail(ErrorKind::data, "{}: holds no {}; expected ImageNet's development kit (ILSVRC2012_devkit_t12)",
         path.string(), wnids.empty() ? meta_file : truth_file);
  ValidationLabels labels;
  for (const auto& [id, wnid] : wnids) labels.classes.push_back(wnid);
  check_class_names(labels.classes, path.string());
  std::sort(labels.classes.begin(), labels.classes.end());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const auto found = wnids.find(positive_number(truth[i]));
    if (found == wnids.end())
      fail(ErrorKind::data, "{}: {}, line {}: \"{}\" is no ILSVRC2012_ID of meta.mat", path.string(),
           truth_file, i + 1, truth[i]);
    labels.wnids[static_cast<std::int64_t>(i) + 1] = found->second;
  }
  return labels;
}

// A word of a line that passes, or "".
template <class Test>
std::string_view find_word(std::string_view line, const Test& test) {
  for (std::size_t start = 0; start < line.size();) {
    const std::size_t end = std::min(line.find_first_of(", \t\r", start), line.size());
    if (const std::string_view word = line.substr(start, end - start); test(word)) return word;
    start = end + 1;
  }
  return "";
}

ValidationLabels read_label_list(const fs::path& path) {
  ValidationLabels labels;
  std::set<std::string> classes;
  std::int64_t line_number = 0, unnamed = 0;
  for (const std::string_view line : text_lines(read_file(path, list_bytes))) {
    ++line_number;
    const std::string wnid(find_word(line, is_wnid));
    const std::string_view image =
        find_word(line, [](std::string_view word) { return word.starts_with(stem); });
    if (wnid.empty() && image.empty() && line_number == 1 && line.find(',') != std::string_view::npos)
      continue;  // a heading
    if (wnid.empty())
      fail(ErrorKind::data,
           "{}, line {}: \"{}\" has no wnid (n and eight digits); numbers alone don't say what they count: "
           "give "
           "the development kit (ILSVRC2012_devkit_t12.tar.gz)",
           path.string(), line_number, line.substr(0, 60));
    const std::int64_t number =
        image.empty() ? ++unnamed
                      : validation_number(fmt::format("{}.JPEG", image.substr(0, image.find('.'))));
    if (number == 0 || !labels.wnids.emplace(number, wnid).second)
      fail(ErrorKind::data, "{}, line {}: {} is no validation image's name, or is there twice", path.string(),
           line_number, image);
    classes.insert(wnid);
  }
  labels.classes.assign(classes.begin(), classes.end());
  return labels;
}

}  // namespace

bool is_wnid(std::string_view word) {
  return word.size() == 9 && word[0] == 'n' &&
         std::all_of(word.begin() + 1, word.end(), [](char c) { return c >= '0' && c <= '9'; });
}

ValidationLabels read_validation_labels(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (fs::is_directory(path) || name.ends_with(".gz") || name.ends_with(".tar") || name.ends_with(".tgz"))
    return read_development_kit(path);
  return read_label_list(path);
}

std::int64_t validation_number(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  std::string_view file = slash == std::string_view::npos ? name : name.substr(slash + 1);
  if (!file.starts_with(stem)) return 0;
  file.remove_prefix(stem.size());
  const std::size_t dot = file.find('.');
  return dot == 8 ? positive_number(file.substr(0, dot)) : 0;
}

}  // namespace smlp
