#include "build.hpp"

#include "smlp/core/error.hpp"

namespace smlp {

namespace {

constexpr int max_image_size = 4096;
constexpr int max_classes = 1 << 24;
constexpr std::int64_t max_parameters = std::int64_t{1} << 34;

std::int64_t count_parameters(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

}  // namespace

void norm_field(FieldVisitor& v, NormKind& norm) {
  v.choice("norm", norm, {{"layer", NormKind::layer}, {"batch", NormKind::batch}, {"none", NormKind::none}},
           "normalisation of each block");
}

void activation_field(FieldVisitor& v, Activation& activation) {
  v.choice("activation", activation, {{"gelu", Activation::gelu}, {"relu", Activation::relu}},
           "gelu is the erf form");
}

void dropout_field(FieldVisitor& v, double& dropout) {
  v.field("dropout", dropout, "probability, after the embedding and after each block",
          Bounds{.min = 0, .max = 1, .max_open = true});
}

void check_size(int image_size, int classes, std::int64_t width, std::int64_t body) {
  if (image_size < 1 || image_size > max_image_size)
    fail(ErrorKind::usage, "data.image_size: {}, expected 1 to {}", image_size, max_image_size);
  if (classes < 2 || classes > max_classes)
    fail(ErrorKind::usage, "a classifier of {} classes, expected 2 to {}", classes, max_classes);
  const std::int64_t parameters =
      linear_parameters(input_features(image_size), width) + body + linear_parameters(width, classes);
  if (parameters > max_parameters)
    fail(ErrorKind::usage, "a model of {} parameters, at most {}; lower model.depth or model.width",
         parameters, max_parameters);
}

CostRow linear_cost(std::string name, const torch::nn::LinearImpl& layer, std::int64_t more_bytes) {
  const std::int64_t in = layer.options.in_features(), out = layer.options.out_features();
  return {.layer = std::move(name),
          .parameters = linear_parameters(in, out),
          .macs = in * out,
          .saved_bytes = 4 * in + more_bytes};
}

CostRow norm_cost(std::string name, const NormLayer& layer) {
  return {.layer = std::move(name),
          .parameters = count_parameters(layer),
          .macs = layer.macs(),
          .saved_bytes = layer.saved_bytes()};
}

}  // namespace smlp
