#include "smlp/models/resnet.hpp"

#include <torch/nn/modules/container/sequential.h>

#include <cmath>

#include "networks.hpp"
#include "smlp/nn/convolution.hpp"
#include "smlp/nn/init.hpp"

namespace smlp {
namespace {

using torch::Tensor;

// He normal by fan-out at the start.
std::shared_ptr<Convolution> convolution(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                         std::int64_t stride, std::int64_t padding) {
  const Tensor weight = torch::empty({out, in, kernel, kernel});
  normal_(weight, std::sqrt(2.0 / static_cast<double>(out * kernel * kernel)));
  return std::make_shared<Convolution>(weight, stride, padding);
}

class Block : public torch::nn::Module {
 public:
  Block(std::int64_t in, std::int64_t width, std::int64_t stride, bool bottleneck) {
    const std::int64_t out = bottleneck ? 4 * width : width;
    if (bottleneck) {
      add(in, width, 1, 1, 0);
      add(width, width, 3, stride, 1);
      add(width, out, 1, 1, 0);
    } else {
      add(in, width, 3, stride, 1);
      add(width, out, 3, 1, 1);
    }
    if (stride == 1 && in == out) return;
    downsample_ = register_module("downsample",
                                  torch::nn::Sequential(convolution(in, out, 1, stride, 0),
                                                        std::make_shared<NormLayer>(NormKind::batch, out)));
  }

  Tensor forward(const Tensor& x) {
    Tensor out = x;
    for (std::size_t i = 0; i < convolutions_.size(); ++i) {
      out = norms_[i]->forward(convolutions_[i]->forward(out));
      if (i + 1 < convolutions_.size()) out = at::relu(out);
    }
    return at::relu(out + (downsample_ ? downsample_->forward(x) : x));
  }

 private:
  void add(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride,
           std::int64_t padding) {
    const std::string n = std::to_string(convolutions_.size() + 1);
    convolutions_.push_back(register_module("conv" + n, convolution(in, out, kernel, stride, padding)));
    norms_.push_back(register_module("bn" + n, std::make_shared<NormLayer>(NormKind::batch, out)));
  }

  std::vector<std::shared_ptr<Convolution>> convolutions_;
  std::vector<std::shared_ptr<NormLayer>> norms_;
  torch::nn::Sequential downsample_{nullptr};
};

class ResNet : public Model {
 public:
  ResNet(const ResNetConfig& config, int classes);
  Tensor features(const Tensor& images) override;
  Tensor head(const Tensor& features) override { return classify(fc_, features); }
  std::string head_prefix() const override { return "fc."; }

 private:
  bool pools_;
  std::shared_ptr<Convolution> conv1_;
  std::shared_ptr<NormLayer> bn1_;
  std::vector<torch::nn::Sequential> layers_;
  torch::nn::Linear fc_{nullptr};
};

ResNet::ResNet(const ResNetConfig& config, int classes)
    : pools_(config.stem == ResNetConfig::Stem::imagenet) {
  std::int64_t in = config.width;
  conv1_ = register_module("conv1", convolution(3, in, 7, pools_ ? 2 : 1, pools_ ? 3 : 0));
  bn1_ = register_module("bn1", std::make_shared<NormLayer>(NormKind::batch, in));
  const std::array<std::int64_t, 4> stages = config.blocks();
  for (std::size_t stage = 0; stage < stages.size(); ++stage) {
    const std::int64_t width = config.width << stage;
    torch::nn::Sequential blocks;
    for (std::int64_t i = 0; i < stages[stage]; ++i) {
      blocks->push_back(std::make_shared<Block>(in, width, stage > 0 && i == 0 ? 2 : 1, config.bottleneck()));
      in = config.bottleneck() ? 4 * width : width;
    }
    layers_.push_back(register_module("layer" + std::to_string(stage + 1), blocks));
  }
  fc_ = register_module("fc", torch::nn::Linear(in, classes));
}

Tensor ResNet::features(const Tensor& images) {
  Tensor x = at::relu(bn1_->forward(conv1_->forward(images)));
  if (pools_) x = at::max_pool2d(x, 3, 2, 1);
  for (torch::nn::Sequential& each : layers_) x = each->forward(x);
  return x.mean({2, 3});
}

}  // namespace

std::shared_ptr<Model> build_resnet(const ModelConfig& config, int /*image_size*/, int classes) {
  return std::make_shared<ResNet>(dynamic_cast<const ResNetConfig&>(config), classes);
}

}  // namespace smlp
