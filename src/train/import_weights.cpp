#include "smlp/train/import_weights.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <fstream>

#include "blame_file.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/formats/torch_zip.hpp"
#include "smlp/train/checkpoint.hpp"
#include "smlp/train/exported_config.hpp"
#include "smlp/train/tensor_file.hpp"

namespace smlp {
namespace {

class Shapes {
 public:
  Shapes(const std::vector<SafetensorsEntry>& tensors, const std::string& file)
      : tensors_(tensors), file_(file) {}

  const SafetensorsEntry* find(const std::string& name) const {
    const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                    [&](const SafetensorsEntry& each) { return each.name == name; });
    return found == tensors_.end() ? nullptr : &*found;
  }
  // Of a weight [rows, columns].
  std::int64_t extent(const std::string& name, std::size_t dimension) const {
    const SafetensorsEntry* entry = find(name);
    if (entry == nullptr || entry->shape.size() != 2)
      fail(ErrorKind::data,
           "{}: {} {}; expected an S-MLP's or B-MLP's weights with the published names (linear_in, "
           "linear_out, blocks "
           "or layers, layernorms)",
           file_, name, entry == nullptr ? "is missing" : "is not a matrix");
    return entry->shape[dimension];
  }
  // How many of prefix + "0" + suffix, prefix + "1" + suffix, … there are.
  std::int64_t count(const std::string& prefix, const std::string& suffix) const {
    std::int64_t n = 0;
    while (find(prefix + std::to_string(n) + suffix) != nullptr) ++n;
    return n;
  }
  // Activations lie between the linear layers: they are numbered 0, 2, 4, …
  std::int64_t layers_of_block() const {
    std::int64_t n = 1;
    while (find(fmt::format("blocks.0.block.{}.weight", 2 * n)) != nullptr) ++n;
    return n;
  }

 private:
  const std::vector<SafetensorsEntry>& tensors_;
  const std::string& file_;
};

std::string norm_of(const Shapes& shapes) {
  if (shapes.find("layernorms.0.weight") == nullptr) return "none";
  return shapes.find("layernorms.0.running_mean") != nullptr ? "batch" : "layer";
}

void expect_shape(const Shapes& shapes, const std::string& name, std::int64_t rows, std::int64_t columns,
                  const std::string& file) {
  if (shapes.extent(name, 0) != rows || shapes.extent(name, 1) != columns)
    fail(ErrorKind::data, "{}: {} is [{}, {}], expected [{}, {}]", file, name, shapes.extent(name, 0),
         shapes.extent(name, 1), rows, columns);
}

// Checks every layer, so that a model as large as its first layers say is never built for a small file.
std::string b_mlp_yaml(const Shapes& shapes, std::int64_t depth, std::int64_t width,
                       const std::string& file) {
  const std::int64_t inner = shapes.extent("blocks.0.block.0.weight", 0);
  const bool bottleneck = inner > width && inner % width == 0;
  const std::int64_t layers = shapes.layers_of_block();
  for (std::int64_t i = 0; i < depth; ++i)
    for (std::int64_t k = 0; k < layers; ++k)
      expect_shape(shapes, fmt::format("blocks.{}.block.{}.weight", i, 2 * k),
                   bottleneck && k == 0 ? inner : width, bottleneck && k == 1 ? inner : width, file);
  const std::string kind = bottleneck ? fmt::format("expansion: {}", inner / width)
                                      : fmt::format("bottleneck: false, layers_per_block: {}", layers);
  return fmt::format("{{name: b_mlp, depth: {}, width: {}, {}, norm: {}}}", depth, width, kind,
                     norm_of(shapes));
}

std::string s_mlp_yaml(const Shapes& shapes, std::int64_t width, const std::string& file) {
  const std::int64_t layers = shapes.count("layers.", ".weight");
  for (std::int64_t i = 0; i < layers; ++i)
    expect_shape(shapes, fmt::format("layers.{}.weight", i), width, width, file);
  return fmt::format("{{name: s_mlp, depth: {}, width: {}, norm: {}}}", layers + 1, width, norm_of(shapes));
}

// A header's length, then JSON; what has no such start and another name is for the reader of .pt to refuse.
bool is_safetensors(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 9> start{};
  stream.read(start.data(), start.size());
  return (stream && start[8] == '{') || file.extension() == ".safetensors";
}

NamedTensors float_tensors(const std::vector<SafetensorsEntry>& entries, const std::string& file) {
  NamedTensors tensors;
  for (const SafetensorsEntry& entry : entries) {
    const torch::Tensor value = tensor_of(entry, file);
    tensors.emplace_back(entry.name, value.is_floating_point() ? value.to(torch::kFloat32) : value);
  }
  return tensors;
}

std::vector<SafetensorsEntry> without_wrappers(std::vector<SafetensorsEntry> entries) {
  std::vector<std::string> names;
  for (const SafetensorsEntry& entry : entries) names.push_back(entry.name);
  strip_wrapper_prefixes(names);
  for (std::size_t i = 0; i < entries.size(); ++i) entries[i].name = names[i];
  return entries;
}

// The model alone: how it was trained is not known. Sizes out of bounds are the file's fault here.
RunConfig config_of(const RecognisedModel& recognised, std::vector<ConfigNode> overrides,
                    const std::string& file) {
  for (const char* none : {"augment.crop=null", "augment.flip=0.0", "augment.mixup=0.0"})
    overrides.push_back(parse_override(none));
  return blame_file([&] { return parse_run_config(recognised.yaml, file, std::move(overrides)); });
}

// What the weights were trained on: as said, as config.json says, or as the file's name does.
ImportedWeights::Data data_of(const ImportOptions& options, const std::optional<ExportedConfig>& exported) {
  if (!options.family && exported && exported->normalization)
    return {"config.json", *exported->normalization};
  const std::string name = options.family.value_or(options.from.filename().string());
  const std::optional<std::string> family = options.family ? family_of_data(name) : family_of_file_name(name);
  if (!family)
    fail(ErrorKind::usage, "\"{}\" says no data set whose normalisation is known: give --family {}", name,
         fmt::join(known_data(), "|"));
  return {*family, family_statistics(*family)};
}

std::vector<std::string> classes_of(const ImportOptions& options,
                                    const std::optional<ExportedConfig>& exported, std::int64_t count) {
  std::vector<std::string> classes;
  if (exported) classes = exported->classes;
  if (!options.classes.empty()) classes = read_class_list(options.classes);
  if (classes.empty()) classes.resize(static_cast<std::size_t>(count));
  if (std::ssize(classes) != count)
    fail(ErrorKind::data, "{} lists {} classes, the model has {}",
         options.classes.empty() ? "config.json" : options.classes.string(), classes.size(), count);
  return classes;
}

ImportedWeights write_checkpoint(const ImportOptions& options, const RecognisedModel& recognised,
                                 const std::vector<SafetensorsEntry>& entries) {
  const std::string file = options.from.string();
  const auto exported = read_exported_config(options.from.parent_path(), recognised.family);
  RunConfig config = config_of(recognised, exported ? exported->model : std::vector<ConfigNode>{}, file);
  const ImportedWeights::Data data = data_of(options, exported);
  TrainingState state;
  state.classes = classes_of(options, exported, recognised.classes);
  state.normalization = data.statistics;
  state.config = config.yaml();
  const auto model =
      blame_file([&] { return config.model->build(recognised.image_size, recognised.classes); });
  copy_tensors(float_tensors(entries, file), named_tensors(*model), file);
  make_parent_directory(options.to);
  write_checkpoint_folder(options.to, *model, nullptr, state);
  return {std::move(config), recognised.classes, data, exported.has_value()};
}

}  // namespace

RecognisedModel recognise_model(const std::vector<SafetensorsEntry>& tensors, const std::string& file) {
  const Shapes shapes(tensors, file);
  const std::int64_t width = shapes.extent("linear_in.weight", 0),
                     inputs = shapes.extent("linear_in.weight", 1);
  const std::int64_t classes = shapes.extent("linear_out.weight", 0);
  const auto side = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(inputs) / 3)));
  if (3 * side * side != inputs || side < 1 || side > max_image_size)
    fail(ErrorKind::data, "{}: linear_in.weight has {} inputs, expected 3 × S × S", file, inputs);
  if (width < 1 || classes < 2 || classes > (1 << 24))
    fail(ErrorKind::data, "{}: a width of {} and {} classes", file, width, classes);
  expect_shape(shapes, "linear_out.weight", classes, width, file);
  const std::int64_t blocks = shapes.count("blocks.", ".block.0.weight");
  const std::string model =
      blocks > 0 ? b_mlp_yaml(shapes, blocks, width, file) : s_mlp_yaml(shapes, width, file);
  return {blocks > 0 ? "b_mlp" : "s_mlp", fmt::format("{{model: {}, data: {{image_size: {}}}}}", model, side),
          static_cast<int>(side), static_cast<int>(classes)};
}

namespace {

constexpr std::array data_table{std::pair("imagenet21k", "imagenet"),   std::pair("imagenet", "imagenet"),
                                std::pair("tiny-imagenet", "imagenet"), std::pair("cifar10", "cifar"),
                                std::pair("cifar100", "cifar"),         std::pair("stl10", "stl")};

}  // namespace

std::vector<std::string> known_data() {
  std::vector<std::string> names;
  for (const auto& [name, family] : data_table) names.emplace_back(name);
  return names;
}

std::optional<std::string> family_of_data(const std::string& name) {
  for (const auto& [known, family] : data_table)
    if (name == known) return family;
  return std::nullopt;
}

std::optional<std::string> family_of_file_name(const std::string& name) {
  std::string text = name;
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array rows{std::pair("imagenet", "imagenet"), std::pair("in21k", "imagenet"),
                            std::pair("in1k", "imagenet"),     std::pair("tiny", "imagenet"),
                            std::pair("cifar", "cifar"),       std::pair("stl", "stl")};
  std::optional<std::string> family;
  std::size_t last = 0;
  for (const auto& [word, meaning] : rows) {
    const std::size_t at = text.rfind(word);
    if (at == std::string::npos || (family && at < last)) continue;
    family = meaning;
    last = at;
  }
  return family;
}

ImportedWeights import_weights(const ImportOptions& options) {
  const std::string file = options.from.string();
  if (!fs::is_regular_file(options.from)) fail(ErrorKind::data, "{}: there is no such file", file);
  const auto import = [&](const std::vector<SafetensorsEntry>& entries) {
    return write_checkpoint(options, recognise_model(entries, file), entries);
  };
  if (!is_safetensors(options.from)) return import(TorchZipFile(options.from).entries());
  const SafetensorsFile safetensors(options.from);
  return import(without_wrappers(safetensors.entries()));
}

}  // namespace smlp
