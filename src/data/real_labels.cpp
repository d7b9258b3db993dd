#include "smlp/data/real_labels.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/formats/json.hpp"

namespace smlp {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t file_limit = std::uint64_t{64} << 20;
constexpr int max_depth = 2;

std::vector<std::int32_t> label_set(const Json& entry, std::size_t index, int classes,
                                    const std::string& name) {
  std::vector<std::int32_t> labels;
  for (const Json& each : entry.is_array() ? entry : Json::array({nullptr})) {
    if (!each.is_number_integer() || each.get<double>() < 0 || each.get<double>() >= classes)
      fail(ErrorKind::data, "{}: entry {} is not a list of labels from 0 to {}", name, index, classes - 1);
    labels.push_back(each.get<std::int32_t>());
  }
  std::vector<std::int32_t> sorted = labels;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    fail(ErrorKind::data, "{}: entry {} holds a label twice", name, index);
  return labels;
}

}  // namespace

RealLabels read_real_labels(const std::filesystem::path& file, std::int64_t images, int classes) {
  const std::string name = file.string();
  const Json json = parse_json(read_file(file, file_limit), name, max_depth);
  if (!json.is_array()) fail(ErrorKind::data, "{}: a list of label lists was expected", name);
  if (images > 0 && std::ssize(json) != images)
    fail(ErrorKind::data, "{}: {} entries, expected {}", name, json.size(), images);
  RealLabels labels;
  for (const Json& each : json) labels.push_back(label_set(each, labels.size(), classes, name));
  return labels;
}

std::string real_labels_text(const RealLabels& labels) {
  std::string text = "[";
  for (std::size_t i = 0; i < labels.size(); ++i)
    text += fmt::format("{}[{}]", i == 0 ? "\n" : ",\n", fmt::join(labels[i], ", "));
  return text + "\n]\n";
}

}  // namespace smlp
