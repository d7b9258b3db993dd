#include "smlp/train/import_weights.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <fstream>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/data/sources/source.hpp"
#include "smlp/formats/torch_zip.hpp"
#include "smlp/train/checkpoint.hpp"
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

bool is_zip(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 4> start{};
  stream.read(start.data(), start.size());
  return stream && start == std::array{'P', 'K', '\3', '\4'};
}

NamedTensors float_tensors(const std::vector<SafetensorsEntry>& entries, const std::string& file) {
  NamedTensors tensors;
  for (const SafetensorsEntry& entry : entries) {
    const torch::Tensor value = tensor_of(entry, file);
    tensors.emplace_back(entry.name, value.is_floating_point() ? value.to(torch::kFloat32) : value);
  }
  return tensors;
}

// Sizes out of a model's bounds are the file's fault here.
RunConfig config_of(const RecognisedModel& recognised, const std::string& file) {
  try {
    return parse_run_config(recognised.yaml, file, {});
  } catch (const Error& error) {
    throw Error(ErrorKind::data, error.what());
  }
}

void write_checkpoint(const ImportOptions& options, const RecognisedModel& recognised,
                      const std::vector<SafetensorsEntry>& entries) {
  const std::string file = options.from.string();
  const std::string name = options.family.value_or(options.from.filename().string());
  const std::optional<std::string> family = family_of_name(name);
  if (!family)
    fail(ErrorKind::usage,
         "\"{}\" says no data set whose normalisation is known: give --family imagenet21k, imagenet, "
         "tiny-imagenet, "
         "cifar10, cifar100 or stl10",
         name);
  TrainingState state;
  state.classes.resize(static_cast<std::size_t>(recognised.classes));
  if (!options.classes.empty()) {
    state.classes = read_class_list(options.classes);
    if (std::ssize(state.classes) != recognised.classes)
      fail(ErrorKind::data, "{} lists {} classes, the model has {}", options.classes.string(),
           state.classes.size(), recognised.classes);
  }
  const RunConfig config = config_of(recognised, file);
  state.normalization = family_statistics(*family);
  state.config = config.yaml();
  const auto model = config.model->build(recognised.image_size, recognised.classes);
  copy_tensors(float_tensors(entries, file), named_tensors(*model), file);
  write_checkpoint_folder(options.to, *model, nullptr, state);
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
  return {fmt::format("{{model: {}, data: {{image_size: {}}}}}", model, side), static_cast<int>(side),
          static_cast<int>(classes)};
}

std::optional<std::string> family_of_name(const std::string& name) {
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

RecognisedModel import_weights(const ImportOptions& options) {
  const std::string file = options.from.string();
  if (!fs::is_regular_file(options.from)) fail(ErrorKind::data, "{}: there is no such file", file);
  const auto import = [&](const std::vector<SafetensorsEntry>& entries) {
    RecognisedModel recognised = recognise_model(entries, file);
    write_checkpoint(options, recognised, entries);
    return recognised;
  };
  if (is_zip(options.from)) return import(TorchZipFile(options.from).entries());
  return import(SafetensorsFile(options.from).entries());
}

}  // namespace smlp
