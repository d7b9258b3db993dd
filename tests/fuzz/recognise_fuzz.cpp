// Names and shapes of a weights file: lines of a name and its extents. What a family makes of them is read as
// a configuration, whose layers the file must have.
#include <algorithm>
#include <sstream>

#include "fuzz.hpp"
#include "smlp/config/read.hpp"
#include "smlp/config/tree.hpp"
#include "smlp/core/error.hpp"
#include "smlp/models/registry.hpp"
#include "smlp/models/weight_sets.hpp"

using namespace smlp;

namespace {

std::vector<SafetensorsEntry> entries_of(const std::string& text) {
  std::vector<SafetensorsEntry> entries;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && entries.size() < 4096;) {
    std::istringstream words(line);
    SafetensorsEntry entry{.name = {}, .dtype = "F32", .shape = {}, .bytes = {}};
    words >> entry.name;
    for (std::int64_t extent = 0; words >> extent;) entry.shape.push_back(extent < 0 ? 0 : extent);
    entries.push_back(std::move(entry));
  }
  return entries;
}

// Error(usage): sizes out of bounds.
Chosen<ModelConfig> config_of(const RecognisedModel& found) {
  std::vector<ConfigNode> nodes;
  for (const auto& [key, value] : found.keys)
    if (key.starts_with("model.")) nodes.push_back(make_override(key, value, "file"));
  Chosen<ModelConfig> model;
  read_config(combine_overrides(std::move(nodes)),
              [&](FieldVisitor& v) { v.family("model", model, model_table(), ""); });
  check_model(*model.config, found.image_size, found.classes);
  return model;
}

// What was recognised is in the file, but norms, which are small.
void check(const WeightSet& set) {
  const TensorShapes shapes(set.tensors);
  const auto has_layer = [names = shapes.names()](const std::string& layer) {
    return std::ranges::any_of(names, [&](const auto& name) { return name.starts_with(layer + "."); });
  };
  for (const TensorSource& each : set.model.tensors)
    fuzz::require(shapes.has(each.source), "a tensor that the file does not have");
  fuzz::refuses_only_as(ErrorKind::usage, [&] {
    const Chosen<ModelConfig> model = config_of(set.model);
    for (const CostRow& row : model->costs(set.model.image_size, set.model.classes))
      if (row.macs > 0 && row.layer.find("norm") == std::string::npos)
        fuzz::require(has_layer(row.layer), "a layer that the file does not have");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::text_of(data, size));
  find_preset(text);
  const std::vector<SafetensorsEntry> entries = entries_of(text);
  WeightSets found;
  fuzz::count_refusal(
      fuzz::refuses_only_as(ErrorKind::data, [&] { found = find_weight_sets(entries, "file"); }));
  for (const WeightSet& set : found.sets) check(set);
  return 0;
}
