#include "smlp/models/repmlp.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "layers.hpp"
#include "patches.hpp"
#include "smlp/core/error.hpp"
#include "smlp/data/dataset_info.hpp"

namespace smlp {
namespace {

constexpr std::int64_t most_stages = 8, most_blocks = 256, most_patch = 4096, most_expansion = 64;
constexpr std::int64_t largest_kernel = 31, largest_partition = 256, most_tokens = 65'536;

std::string block_name(std::size_t stage, std::int64_t block) {
  return fmt::format("stages.{}.{}.", stage, block);
}

// Lists the layers of a forward pass in their order.
class Layers {
 public:
  using Shapes = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;

  Layers(const RepMlpConfig& config, int image_size) : config_(config) {
    const std::vector<RepMlpConfig::Stage> stages = config.stages(image_size);
    const std::int64_t patch = config.patch_size;
    convolution("conv_embedding", 3, stages[0].channels, patch, stages[0].pixels(),
                12 * std::int64_t{image_size} * image_size);
    for (std::size_t i = 0; i < stages.size(); ++i) {
      for (std::int64_t k = 0; k < stages[i].blocks; ++k) block(block_name(i, k), stages[i]);
      if (i + 1 < stages.size())
        convolution("embeds." + std::to_string(i), stages[i].channels, stages[i + 1].channels, 2,
                    stages[i + 1].pixels(), 4 * stages[i].channels * stages[i].pixels());
    }
    const RepMlpConfig::Stage& last = stages.back();
    norm("head_norm", last.channels, last.pixels());
    pooled_ = last.channels * last.pixels();
    features_ = last.channels;
  }

  const Shapes& shapes() const { return shapes_; }  // of the weights, but the head's

  // fvcore counts one for each input of the mean over the pixels.
  std::vector<CostRow> finish(std::int64_t classes) {
    rows_.push_back(linear_cost("head", features_, classes));
    rows_.back().macs += pooled_;
    return std::move(rows_);
  }

 private:
  // Without bias, and its batch norm, on `pixels` results of each channel. saved: bytes of its input.
  void convolution(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                   std::int64_t pixels, std::int64_t saved) {
    const std::int64_t weights = out * in * kernel * kernel;
    shapes_.emplace_back(name + ".conv.weight", std::vector{out, in, kernel, kernel});
    rows_.push_back({name + ".conv", weights, weights * pixels, saved});
    norm(name + ".bn", out, pixels);
  }

  void norm(const std::string& name, std::int64_t channels, std::int64_t pixels) {
    shapes_.emplace_back(name + ".weight", std::vector{channels});
    rows_.push_back(norm_cost(name, NormKind::batch, channels, pixels));
  }

  // On the mean over the pixels, whose inputs fvcore counts; its results are kept too, by what follows.
  void global_perceptron(const std::string& name, const RepMlpConfig::Stage& s) {
    const std::int64_t inner = s.channels / config_.reduction;
    shapes_.emplace_back(name + "fc1.weight", std::vector<std::int64_t>{inner, s.channels, 1, 1});
    shapes_.emplace_back(name + "fc2.weight", std::vector<std::int64_t>{s.channels, inner, 1, 1});
    rows_.push_back(linear_cost(name + "fc1", s.channels, inner));
    rows_.back().macs += s.channels * s.pixels();
    rows_.push_back(linear_cost(name + "fc2", inner, s.channels, 4 * s.channels));
  }

  // fc3 keeps its input, which the convolutions have too, and the sum that the global perceptron scales.
  void repmlp_block(const std::string& name, const RepMlpConfig::Stage& s) {
    const std::int64_t values = s.channels * s.pixels(), rows = s.share_sets * s.inputs();
    global_perceptron(name + "gp.", s);
    shapes_.emplace_back(name + "fc3.weight", std::vector<std::int64_t>{rows, s.inputs(), 1, 1});
    if (config_.merged) shapes_.emplace_back(name + "fc3.bias", std::vector{rows});
    const std::int64_t parameters = rows * (s.inputs() + (config_.merged ? 1 : 0));
    rows_.push_back({name + "fc3", parameters, values * s.inputs(), 8 * values});
    const std::int64_t of_a_set = values / s.share_sets;
    if (!config_.merged) norm(name + "fc3_bn", s.share_sets, of_a_set);
    for (const std::int64_t kernel : config_.convolutions())
      convolution(name + "repconv" + std::to_string(kernel), 1, s.share_sets, kernel, of_a_set, 0);
  }

  void block(const std::string& name, const RepMlpConfig::Stage& s) {
    const std::int64_t pixels = s.pixels(), hidden = config_.expansion * s.channels;
    norm(name + "prebn1", s.channels, pixels);
    repmlp_block(name + "repmlp_block.", s);
    norm(name + "prebn2", s.channels, pixels);
    convolution(name + "ffn_block.ffn_fc1", s.channels, hidden, 1, pixels, 4 * s.channels * pixels);
    convolution(name + "ffn_block.ffn_fc2", hidden, s.channels, 1, pixels,
                8 * hidden * pixels);  // and GELU's
  }

  const RepMlpConfig& config_;
  std::vector<CostRow> rows_;
  Shapes shapes_;
  std::int64_t features_ = 0, pooled_ = 0;
};

// A size that the tensor `name` says.
std::int64_t checked(std::int64_t size, std::int64_t most, const char* what, const std::string& name) {
  if (size < 1 || size > most)
    fail(ErrorKind::data, "{} is of {} {}, expected 1 to {}", name, size, what, most);
  return size;
}

// The sizes of stage i, from its first block.
void recognise_stage(RepMlpConfig& config, std::size_t i, const TensorShapes& shapes) {
  const std::string block = block_name(i, 0), fc3 = block + "repmlp_block.fc3.weight",
                    norm = block + "prebn1.weight";
  const std::int64_t inputs = shapes.shape(fc3, 4)[1], rows = shapes.shape(fc3, 4)[0];
  const std::int64_t side = square_side(inputs, "inputs of a share set", fc3);
  config.partition.push_back(checked(side, largest_partition, "inputs a side", fc3));
  config.share_sets.push_back(checked(rows / inputs, most_width, "share sets", fc3));
  config.channels.push_back(checked(shapes.shape(norm, 1)[0], most_width, "channels", norm));
  config.blocks.push_back(
      checked(shapes.count([&](std::int64_t k) { return block_name(i, k) + "repmlp_block.fc3.weight"; }),
              most_blocks, "blocks", fc3));
}

// The smallest image whose every map the partitions cover.
int smallest_image(const RepMlpConfig& config) {
  std::int64_t size = 1;
  for (std::size_t i = 0; i < config.partition.size() && size <= max_image_size; ++i)
    size = std::lcm(size, (config.patch_size * config.partition[i]) << i);
  if (size > max_image_size)
    fail(ErrorKind::data, "partitions of {} a side in patches of {} pixels: no image of up to {} fits",
         fmt::join(config.partition, ", "), config.patch_size, max_image_size);
  return static_cast<int>(size);
}

// The keys that the tensors say, each within its bounds.
RepMlpConfig recognise_sizes(const TensorShapes& shapes) {
  const std::string block = block_name(0, 0) + "repmlp_block.", fc1 = block + "gp.fc1.weight",
                    stem = "conv_embedding.conv.weight",
                    ffn = block_name(0, 0) + "ffn_block.ffn_fc1.conv.weight";
  RepMlpConfig config;
  for (auto* each : {&config.blocks, &config.channels, &config.share_sets, &config.kernels}) each->clear();
  const std::int64_t stages = checked(
      shapes.count([](std::int64_t i) { return fmt::format("stages.{}.0.repmlp_block.fc3.weight", i); }),
      most_stages, "stages", "the model");
  for (std::int64_t i = 0; i < stages; ++i) recognise_stage(config, static_cast<std::size_t>(i), shapes);
  config.patch_size = checked(shapes.shape(stem, 4)[2], most_patch, "pixels a side", stem);
  config.merged = shapes.has(block + "fc3.bias");
  for (std::int64_t kernel = 1; kernel <= largest_kernel; kernel += 2)
    if (shapes.has(fmt::format("{}repconv{}.conv.weight", block, kernel))) config.kernels.push_back(kernel);
  const std::int64_t channels = config.channels[0],
                     inner = checked(shapes.shape(fc1, 4)[0], channels, "channels", fc1);
  config.reduction = channels / inner;
  config.expansion = checked(shapes.shape(ffn, 4)[0] / channels, most_expansion, "times the channels", ffn);
  return config;
}

std::string flow_list(const std::vector<std::int64_t>& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

KeyValues keys_of(const RepMlpConfig& config, int image_size) {
  return {{"model.name", "repmlp"},
          {"model.patch_size", std::to_string(config.patch_size)},
          {"model.blocks", flow_list(config.blocks)},
          {"model.channels", flow_list(config.channels)},
          {"model.share_sets", flow_list(config.share_sets)},
          {"model.partition", flow_list(config.partition)},
          {"model.kernels", flow_list(config.kernels)},
          {"model.reduction", std::to_string(config.reduction)},
          {"model.expansion", std::to_string(config.expansion)},
          {"model.merged", config.merged ? "true" : "false"},
          {"data.image_size", std::to_string(image_size)}};
}

// "repmlp_t224" is for images of 224 pixels.
Preset preset(char letter, int image_size, std::int64_t blocks, std::int64_t channels,
              std::vector<std::int64_t> share_sets) {
  RepMlpConfig config;
  config.blocks = {2, 2, blocks, 2};
  config.channels = {channels, 2 * channels, 4 * channels, 8 * channels};
  config.share_sets = std::move(share_sets);
  for (std::int64_t side = image_size / config.patch_size; config.partition.size() < 4; side /= 2)
    config.partition.push_back(side);
  KeyValues keys = keys_of(config, image_size);
  keys.erase(keys.begin());  // the family's name
  return {.example = fmt::format("repmlp_{}{}", letter, image_size),
          .pattern = std::regex(fmt::format("repmlp(?:net)?[-_]{}{}", letter, image_size), std::regex::icase),
          .keys = std::move(keys)};
}

}  // namespace

void RepMlpConfig::fields(FieldVisitor& v) {
  v.field("patch_size", patch_size, "pixels a side of the patches that are embedded", between(1, most_patch));
  v.field("blocks", blocks, "blocks of each stage; after a stage the map is half as wide",
          between(1, most_blocks));
  v.field("channels", channels, "features of each stage", width_bounds);
  v.field("share_sets", share_sets, "weights of each stage's fc3, among which its channels are shared",
          width_bounds);
  v.field("partition", partition, "side of each stage's partitions in its map; [] for whole maps",
          between(1, largest_partition));
  v.field("kernels", kernels, "convolutions beside fc3, odd; of no effect when merged",
          between(1, largest_kernel));
  v.field("reduction", reduction, "the global perceptron has so many times fewer channels",
          between(1, most_width));
  v.field("expansion", expansion, "hidden width of the MLP over the channels, in multiples of these",
          between(1, most_expansion));
  v.field("merged", merged, "without what `smlp export --merge` folds into fc3");
}

std::string RepMlpConfig::list_problem() const {
  const std::size_t n = blocks.size();
  if (n < 1 || n > most_stages)
    return fmt::format("model.blocks: {} stages, expected 1 to {}", n, most_stages);
  if (channels.size() != n || share_sets.size() != n || (!partition.empty() && partition.size() != n))
    return fmt::format(
        "model.blocks says {} stages; model.channels and model.share_sets have {} and {} numbers, "
        "model.partition {}: give one a stage, or no partition",
        n, channels.size(), share_sets.size(), partition.size());
  const std::set<std::int64_t> distinct(kernels.begin(), kernels.end());
  if (distinct.size() != kernels.size() ||
      std::ranges::any_of(kernels, [](std::int64_t kernel) { return kernel % 2 == 0; }))
    return fmt::format("model.kernels: {}: expected odd numbers, each once", flow_list(kernels));
  return "";
}

std::string RepMlpConfig::image_problem(int image_size) const {
  if (const std::int64_t step = patch_size << (blocks.size() - 1); image_size % step != 0)
    return fmt::format(
        "data.image_size: {}, expected a multiple of {}: patches of model.patch_size: {}, halved between {} "
        "stages",
        image_size, step, patch_size, blocks.size());
  const std::int64_t side = image_size / patch_size;
  if (side * side > most_tokens)
    return fmt::format(
        "model.patch_size: {} makes {} tokens of {}x{} pixels, at most {}; choose larger patches", patch_size,
        side * side, image_size, image_size, most_tokens);
  return "";
}

std::string RepMlpConfig::stage_problem(std::size_t i, int image_size) const {
  const std::int64_t side = (image_size / patch_size) >> i, part = partition.empty() ? side : partition[i];
  if (side % part != 0)
    return fmt::format(
        "model.partition: {} does not cover the map of {}x{} that stage {} has of {}x{} pixels; [] takes "
        "whole "
        "maps",
        part, side, side, i, image_size, image_size);
  for (const auto& [key, parts] : {std::pair("share_sets", share_sets[i]), {"reduction", reduction}})
    if (channels[i] % parts != 0)
      return fmt::format("model.{}: {} does not divide the {} channels of stage {}", key, parts, channels[i],
                         i);
  if (expansion * channels[i] > most_width)
    return fmt::format("model.expansion: {} makes {} channels of {}, at most {}", expansion,
                       expansion * channels[i], channels[i], most_width);
  return "";
}

std::string RepMlpConfig::problem(int image_size) const {
  std::string found = list_problem();
  if (found.empty()) found = image_problem(image_size);
  for (std::size_t i = 0; i < blocks.size() && found.empty(); ++i) found = stage_problem(i, image_size);
  return found;
}

void RepMlpConfig::check(int image_size) const {
  if (const std::string found = problem(image_size); !found.empty()) fail(ErrorKind::usage, "{}", found);
}

std::vector<RepMlpConfig::Stage> RepMlpConfig::stages(int image_size) const {
  check(image_size);
  std::vector<Stage> stages;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::int64_t side = (image_size / patch_size) >> i;
    stages.push_back({blocks[i], channels[i], share_sets[i], side, partition.empty() ? side : partition[i]});
  }
  return stages;
}

std::vector<CostRow> RepMlpConfig::costs(int image_size, int classes) const {
  return Layers(*this, image_size).finish(classes);
}

std::string RepMlpConfig::sizes() const {
  return fmt::format("blocks {}, channels {}{}", fmt::join(blocks, "-"), fmt::join(channels, "-"),
                     merged ? ", merged" : "");
}

const std::vector<Preset>& RepMlpConfig::presets() {
  static const std::vector<Preset> rows = {
      preset('t', 224, 6, 64, {1, 4, 16, 128}), preset('b', 224, 12, 96, {1, 4, 32, 128}),
      preset('b', 256, 12, 96, {1, 4, 32, 128}), preset('t', 64, 6, 64, {1, 4, 16, 128})};
  return rows;
}

std::optional<RecognisedModel> RepMlpConfig::recognise(const TensorShapes& shapes) {
  if (!shapes.has(block_name(0, 0) + "repmlp_block.fc3.weight")) return std::nullopt;
  const RepMlpConfig config = recognise_sizes(shapes);
  const int image_size = smallest_image(config);
  if (const std::string found = config.problem(image_size); !found.empty())
    fail(ErrorKind::data, "{}", found);
  const std::int64_t outputs = shapes.rows("head.weight");
  shapes.expect("head.weight", {outputs, config.channels.back()});
  const Layers layers(config, image_size);
  for (const auto& [name, shape] : layers.shapes()) shapes.expect(name, shape);
  return RecognisedModel{.keys = keys_of(config, image_size),
                         .image_size = image_size,
                         .any_image_size = true,
                         .classes = class_count(outputs, "head.weight"),
                         .tensors = same_names(shapes)};
}

}  // namespace smlp
