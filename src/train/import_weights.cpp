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

 private:
  const std::vector<SafetensorsEntry>& tensors_;
  const std::string& file_;
};

std::string norm_of(const Shapes& shapes) {
  if (shapes.find("layernorms.0.weight") == nullptr) return "none";
  return shapes.find("layernorms.0.running_mean") != nullptr ? "batch" : "layer";
}

std::string model_yaml(const Shapes& shapes, std::int64_t width) {
  if (const std::int64_t depth = shapes.count("blocks.", ".block.0.weight"); depth > 0) {
    const std::int64_t inner = shapes.extent("blocks.0.block.0.weight", 0);
    if (inner % width == 0 && inner > width)
      return fmt::format("{{name: b_mlp, depth: {}, width: {}, expansion: {}, norm: {}}}", depth, width,
                         inner / width, norm_of(shapes));
    std::int64_t linear = 1;
    while (shapes.find(fmt::format("blocks.0.block.{}.weight", 2 * linear)) != nullptr) ++linear;
    return fmt::format(
        "{{name: b_mlp, depth: {}, width: {}, bottleneck: false, layers_per_block: {}, norm: {}}}", depth,
        width, linear, norm_of(shapes));
  }
  return fmt::format("{{name: s_mlp, depth: {}, width: {}, norm: {}}}",
                     shapes.count("layers.", ".weight") + 1, width, norm_of(shapes));
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
  const RunConfig config = parse_run_config(recognised.yaml, file, {});
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
  return {fmt::format("{{model: {}, data: {{image_size: {}}}}}", model_yaml(shapes, width), side),
          static_cast<int>(side), static_cast<int>(classes)};
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
