#include "smlp/models/b_mlp.hpp"

#include "build.hpp"
#include "smlp/core/error.hpp"

namespace smlp {

void BMlpConfig::fields(FieldVisitor& v) {
  v.field("depth", depth, "blocks", depth_bounds);
  v.field("width", width, "features between blocks", width_bounds);
  v.field("expansion", expansion, "width inside a bottleneck block, in multiples of width", between(1, 64));
  norm_field(v, norm);
  v.choice("norm_position", norm_position, {{"pre", NormPosition::pre}, {"post", NormPosition::post}},
           "normalise a block's input, or its sum");
  activation_field(v, activation);
  v.field("skip", skip, "add each block's input to its output");
  v.field("bottleneck", bottleneck, "blocks expand and contract; false: layers of equal width");
  v.field("layers_per_block", layers_per_block, "linear layers in a block without bottleneck",
          between(1, 64));
  dropout_field(v, dropout);
  common_fields(v);
}

std::vector<std::int64_t> BMlpConfig::block_widths() const {
  if (bottleneck) return {width, expansion * width, width};
  return std::vector<std::int64_t>(static_cast<std::size_t>(layers_per_block + 1), width);
}

std::shared_ptr<Model> BMlpConfig::build(int image_size, int classes) const {
  if (bottleneck && layers_per_block != 2)
    fail(ErrorKind::usage,
         "model.layers_per_block: {}: a block with a bottleneck has two layers; set model.bottleneck: false "
         "to choose",
         layers_per_block);
  std::int64_t block = 0;
  const std::vector<std::int64_t> widths = block_widths();
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) block += linear_parameters(widths[i], widths[i + 1]);
  check_size(image_size, classes, width, depth * block);
  return std::make_shared<BMlp>(*this, image_size, classes);
}

BMlp::BMlp(const BMlpConfig& config, int image_size, int classes)
    : config_(config),
      linear_in_(register_module("linear_in", torch::nn::Linear(input_features(image_size), config.width))),
      linear_out_(register_module("linear_out", torch::nn::Linear(config.width, classes))) {
  auto blocks = register_module("blocks", std::make_shared<torch::nn::Module>());
  auto norms = register_module("layernorms", std::make_shared<torch::nn::Module>());
  for (std::int64_t i = 0; i < config.depth; ++i) {
    auto block = blocks->register_module(std::to_string(i), std::make_shared<torch::nn::Module>());
    blocks_.push_back(block->register_module(
        "block", std::make_shared<LinearStack>(config.block_widths(), config.activation,
                                               /*activate_last=*/!config.bottleneck)));
    norms_.push_back(
        norms->register_module(std::to_string(i), std::make_shared<NormLayer>(config.norm, config.width)));
  }
}

torch::Tensor BMlp::block(std::size_t i, const torch::Tensor& z) {
  const bool pre = config_.norm_position == BMlpConfig::NormPosition::pre;
  torch::Tensor out = blocks_[i]->forward(pre ? norms_[i]->forward(z) : z);
  if (config_.skip) out = out + z;
  return pre ? out : norms_[i]->forward(out);
}

torch::Tensor BMlp::features(const torch::Tensor& images) {
  torch::Tensor z = drop(linear_in_->forward(images.flatten(1)), config_.dropout, is_training());
  for (std::size_t i = 0; i < blocks_.size(); ++i) z = drop(block(i, z), config_.dropout, is_training());
  return z;
}

torch::Tensor BMlp::head(const torch::Tensor& features) {
  return linear_out_->forward(features);
}

// GELU keeps its input. ReLU keeps its result, which what follows keeps anyway, unless that is the sum.
bool BMlp::keeps_activation(std::size_t block, std::size_t layer) const {
  if (!blocks_[block]->activated(layer)) return false;
  const bool last = layer + 1 == blocks_[block]->layers().size();
  return config_.activation == Activation::gelu || (last && config_.skip);
}

std::vector<CostRow> BMlp::costs() const {
  const std::int64_t dropped = dropout_bytes(config_.width, config_.dropout);
  std::vector<CostRow> rows = {linear_cost("linear_in", *linear_in_, dropped)};
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const std::string n = std::to_string(i);
    const CostRow norm = norm_cost("layernorms." + n, *norms_[i]);
    if (config_.norm_position == BMlpConfig::NormPosition::pre && config_.norm != NormKind::none)
      rows.push_back(norm);
    for (std::size_t k = 0; k < blocks_[i]->layers().size(); ++k) {
      const torch::nn::LinearImpl& layer = *blocks_[i]->layers()[k];
      rows.push_back(linear_cost("blocks." + n + ".block." + std::to_string(2 * k), layer, 0));
      if (keeps_activation(i, k)) rows.back().saved_bytes += 4 * layer.options.out_features();
    }
    if (config_.norm_position == BMlpConfig::NormPosition::post && config_.norm != NormKind::none)
      rows.push_back(norm);
    rows.back().saved_bytes += dropped;
  }
  rows.push_back(linear_cost("linear_out", *linear_out_, 0));
  return rows;
}

}  // namespace smlp
