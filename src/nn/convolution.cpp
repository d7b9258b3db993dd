#include "smlp/nn/convolution.hpp"

namespace smlp {

Convolution::Convolution(torch::Tensor weight, std::int64_t stride, std::int64_t padding, std::int64_t groups)
    : stride_(stride),
      padding_(padding),
      groups_(groups),
      weight_(register_parameter("weight", std::move(weight))) {}

torch::Tensor Convolution::forward(const torch::Tensor& x) {
  return at::conv2d(x, weight_, {}, stride_, padding_, 1, groups_);
}

NormedConvolution::NormedConvolution(torch::Tensor weight, std::int64_t stride, std::int64_t padding,
                                     std::int64_t groups)
    : conv_(
          register_module("conv", std::make_shared<Convolution>(std::move(weight), stride, padding, groups))),
      bn_(register_module("bn", std::make_shared<NormLayer>(NormKind::batch, conv_->weight().size(0)))) {}

}  // namespace smlp
