#include "smlp/models/resnet.hpp"

#include <algorithm>

#include "layers.hpp"
#include "smlp/core/error.hpp"

namespace smlp {
namespace {

struct Variant {
  std::int64_t depth;
  std::array<std::int64_t, 4> blocks;
};
constexpr Variant variants[] = {
    {18, {2, 2, 2, 2}}, {34, {3, 4, 6, 3}}, {50, {3, 4, 6, 3}}, {101, {3, 4, 23, 3}}, {152, {3, 8, 36, 3}}};

constexpr std::int64_t stem_kernel = 7, most_channels = 4096;

std::int64_t convolved(std::int64_t side, std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
  return (side + 2 * padding - kernel) / stride + 1;
}

// Counts the convolutions and norms of a forward pass in their order.
class Counter {
 public:
  using Weights = std::vector<std::pair<std::string, std::vector<std::int64_t>>>;  // of convolutions: shapes

  explicit Counter(std::int64_t side) : side_(side) {}

  // A convolution without bias and its batch norm, each with its saved input; the next see its result.
  void convolution(const std::string& conv, const std::string& norm, std::int64_t out, std::int64_t kernel,
                   std::int64_t stride = 1, std::int64_t padding = 0) {
    const std::int64_t input = channels_ * side_ * side_;
    side_ = convolved(side_, kernel, stride, padding);
    const std::int64_t pixels = side_ * side_, weights = channels_ * out * kernel * kernel;
    weights_.emplace_back(conv + ".weight", std::vector{out, channels_, kernel, kernel});
    rows_.push_back({conv, weights, weights * pixels, 4 * input});
    rows_.push_back(norm_cost(norm, NormKind::batch, out));
    rows_.back().macs *= pixels;
    rows_.back().saved_bytes *= pixels;
    channels_ = out;
  }

  // Keeps its input and the places of the largest values, 8 bytes each.
  void max_pool() {
    rows_.back().saved_bytes += 4 * channels_ * side_ * side_;
    side_ = convolved(side_, 3, 2, 1);
    rows_.back().saved_bytes += 8 * channels_ * side_ * side_;
  }

  void block(const std::string& name, std::int64_t width, std::int64_t stride, bool bottleneck) {
    const Counter before = *this;
    const std::int64_t out = bottleneck ? 4 * width : width;
    if (bottleneck) convolution(name + "conv1", name + "bn1", width, 1);
    if (bottleneck) convolution(name + "conv2", name + "bn2", width, 3, stride, 1);
    if (bottleneck) convolution(name + "conv3", name + "bn3", out, 1);
    if (!bottleneck) convolution(name + "conv1", name + "bn1", width, 3, stride, 1);
    if (!bottleneck) convolution(name + "conv2", name + "bn2", out, 3, 1, 1);
    if (stride != 1 || before.channels_ != out) downsample(before, name + "downsample.", out, stride);
  }

  const Weights& weights() const { return weights_; }

  // fvcore counts one for each input of the mean over the pixels.
  std::vector<CostRow> finish(std::int64_t classes) {
    const std::int64_t values = channels_ * side_ * side_;
    rows_.push_back(linear_cost("fc", channels_, classes, 4 * values));
    rows_.back().macs += values;
    return std::move(rows_);
  }

 private:
  // Its input is the block's, which is kept already.
  void downsample(const Counter& before, const std::string& name, std::int64_t out, std::int64_t stride) {
    Counter beside(before.side_);
    beside.channels_ = before.channels_;
    beside.convolution(name + "0", name + "1", out, 1, stride);
    beside.rows_[0].saved_bytes = 0;
    rows_.insert(rows_.end(), beside.rows_.begin(), beside.rows_.end());
    weights_.insert(weights_.end(), beside.weights_.begin(), beside.weights_.end());
  }

  std::int64_t side_, channels_ = 3;
  std::vector<CostRow> rows_;
  Weights weights_;
};

std::string stage_block(std::size_t stage, std::int64_t block) {
  return fmt::format("layer{}.{}.", stage + 1, block);
}

Counter count_layers(const ResNetConfig& config, int image_size) {
  Counter counter(image_size);
  if (config.stem == ResNetConfig::Stem::imagenet) {
    counter.convolution("conv1", "bn1", config.width, stem_kernel, 2, stem_kernel / 2);
    counter.max_pool();
  } else {
    counter.convolution("conv1", "bn1", config.width, stem_kernel);
  }
  const std::array<std::int64_t, 4> stages = config.blocks();
  for (std::size_t stage = 0; stage < stages.size(); ++stage)
    for (std::int64_t i = 0; i < stages[stage]; ++i)
      counter.block(stage_block(stage, i), config.width << stage, stage > 0 && i == 0 ? 2 : 1,
                    config.bottleneck());
  return counter;
}

}  // namespace

void ResNetConfig::fields(FieldVisitor& v) {
  v.field("depth", depth, "18, 34, 50, 101 or 152", between(18, 152));
  v.field("width", width, "channels of the first stage; each next has twice as many",
          between(1, most_channels));
  v.choice("stem", stem, {{"imagenet", Stem::imagenet}, {"small", Stem::small}},
           "stride 2 and a max-pool, or for small images neither, nor padding");
}

std::array<std::int64_t, 4> ResNetConfig::blocks() const {
  for (const Variant& each : variants)
    if (each.depth == depth) return each.blocks;
  fail(ErrorKind::usage, "model.depth: {}, expected 18, 34, 50, 101 or 152", depth);
}

void ResNetConfig::check(int image_size) const {
  blocks();
  if (stem == Stem::small && image_size < stem_kernel)
    fail(ErrorKind::usage, "data.image_size: {}, at least {} with model.stem: small", image_size,
         stem_kernel);
}

std::string ResNetConfig::sizes() const {
  return width == ResNetConfig{}.width ? fmt::format("depth {}", depth)
                                       : fmt::format("depth {}, width {}", depth, width);
}

std::vector<CostRow> ResNetConfig::costs(int image_size, int classes) const {
  return count_layers(*this, image_size).finish(classes);
}

const std::vector<Preset>& ResNetConfig::presets() {
  static const std::vector<Preset> rows = [] {
    std::vector<Preset> made;
    for (const Variant& each : variants) {
      const std::string number = std::to_string(each.depth);
      const auto add = [&](const std::string& name, KeyValues keys) {
        keys.emplace_back("model.depth", number);
        made.push_back(
            {.example = name, .pattern = std::regex(name, std::regex::icase), .keys = std::move(keys)});
      };
      add("resnet" + number, {});
      add("resnet" + number + "_64", {{"model.stem", "small"}, {"data.image_size", "64"}});
    }
    return made;
  }();
  return rows;
}

std::optional<RecognisedModel> ResNetConfig::recognise(const TensorShapes& shapes) {
  constexpr int published_size = 224;
  if (!shapes.has("layer1.0.conv1.weight") || !shapes.has("fc.weight")) return std::nullopt;
  const bool bottleneck = shapes.has("layer1.0.conv3.weight");
  std::array<std::int64_t, 4> found{};
  for (std::size_t stage = 0; stage < found.size(); ++stage)
    found[stage] = shapes.count([&](std::int64_t i) { return stage_block(stage, i) + "conv1.weight"; });
  const auto variant = std::ranges::find_if(variants, [&](const Variant& each) {
    return each.blocks == found && (each.depth >= 50) == bottleneck;
  });
  if (variant == std::end(variants))
    fail(ErrorKind::data, "{} blocks a stage, {}: no ResNet of 18, 34, 50, 101 or 152 layers",
         fmt::join(found, ", "), bottleneck ? "with bottlenecks" : "without bottlenecks");
  ResNetConfig config;
  config.depth = variant->depth;
  config.width = shapes.shape("conv1.weight", 4)[0];
  if (config.width < 1 || config.width > most_channels)
    fail(ErrorKind::data, "conv1.weight makes {} channels, expected 1 to {}", config.width, most_channels);
  const std::int64_t outputs = shapes.rows("fc.weight");
  shapes.expect("fc.weight", {outputs, config.features()});
  const Counter counter = count_layers(config, published_size);
  for (const auto& [name, shape] : counter.weights()) shapes.expect(name, shape);
  return RecognisedModel{.keys = {{"model.name", "resnet"},
                                  {"model.depth", std::to_string(config.depth)},
                                  {"model.width", std::to_string(config.width)},
                                  {"data.image_size", std::to_string(published_size)}},
                         .image_size = published_size,
                         .any_image_size = true,
                         .classes = class_count(outputs, "fc.weight"),
                         .tensors = same_names(shapes)};
}

}  // namespace smlp
