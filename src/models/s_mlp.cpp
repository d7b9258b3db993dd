#include "smlp/models/s_mlp.hpp"

#include "build.hpp"

namespace smlp {

void SMlpConfig::fields(FieldVisitor& v) {
  v.field("depth", depth, "linear layers before the head, the embedding included", depth_bounds);
  v.field("width", width, "features between layers", width_bounds);
  norm_field(v, norm);
  activation_field(v, activation);
  v.choice(
      "block_order", block_order,
      {{"norm_act_linear", BlockOrder::norm_act_linear}, {"norm_linear_act", BlockOrder::norm_linear_act}},
      "the published code's order, or the paper's text's");
  dropout_field(v, dropout);
  common_fields(v);
}

std::shared_ptr<Model> SMlpConfig::build(int image_size, int classes) const {
  check_size(image_size, classes, width, (depth - 1) * linear_parameters(width, width));
  return std::make_shared<SMlp>(*this, image_size, classes);
}

SMlp::SMlp(const SMlpConfig& config, int image_size, int classes)
    : config_(config),
      linear_in_(register_module("linear_in", torch::nn::Linear(input_features(image_size), config.width))),
      linear_out_(register_module("linear_out", torch::nn::Linear(config.width, classes))) {
  auto layers = register_module("layers", std::make_shared<torch::nn::Module>());
  auto norms = register_module("layernorms", std::make_shared<torch::nn::Module>());
  for (std::int64_t i = 0; i + 1 < config.depth; ++i) {
    const std::string n = std::to_string(i);
    layers_.push_back(layers->register_module(n, torch::nn::Linear(config.width, config.width)));
    norms_.push_back(norms->register_module(n, std::make_shared<NormLayer>(config.norm, config.width)));
  }
}

torch::Tensor SMlp::features(const torch::Tensor& images) {
  torch::Tensor z = drop(linear_in_->forward(images.flatten(1)), config_.dropout, is_training());
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    z = norms_[i]->forward(z);
    if (config_.block_order == SMlpConfig::BlockOrder::norm_act_linear)
      z = layers_[i]->forward(activate(z, config_.activation));
    else
      z = activate(layers_[i]->forward(z), config_.activation);
    z = drop(z, config_.dropout, is_training());
  }
  return z;
}

torch::Tensor SMlp::head(const torch::Tensor& features) {
  return linear_out_->forward(features);
}

// GELU keeps its input, beside what the layers keep; ReLU keeps its result, which is the next layer's input.
std::vector<CostRow> SMlp::costs() const {
  const std::int64_t width = config_.width, dropped = dropout_bytes(width, config_.dropout);
  const std::int64_t activated = config_.activation == Activation::gelu ? 4 * width : 0;
  std::vector<CostRow> rows = {linear_cost("linear_in", *linear_in_, dropped)};
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const std::string n = std::to_string(i);
    if (config_.norm != NormKind::none) rows.push_back(norm_cost("layernorms." + n, *norms_[i]));
    rows.push_back(linear_cost("layers." + n, *layers_[i], activated + dropped));
  }
  rows.push_back(linear_cost("linear_out", *linear_out_, 0));
  return rows;
}

}  // namespace smlp
