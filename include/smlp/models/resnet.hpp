#pragma once
#include <array>

#include "smlp/models/registry.hpp"

namespace smlp {

// ResNet (arXiv 1512.03385) as torchvision has it, its stride in a bottleneck's 3×3 convolution. At the start
// convolutions are He normal by fan-out, batch norms one and zero.
// Tensors: conv1.weight, bn1.*, layer{1…4}.N.{conv1,bn1,conv2,bn2[,conv3,bn3][,downsample.0,downsample.1]}.*,
// fc.*.
class ResNetConfig : public ModelConfig {
 public:
  // The first convolution's stride is 2, then a max-pool; or for small images stride 1, no padding and no
  // pooling, as the paper has it at 64×64 (arXiv 2306.13575, Table 7).
  enum class Stem { imagenet, small };

  std::int64_t depth = 18;  // 18, 34, 50, 101 or 152
  std::int64_t width = 64;  // channels of the first stage; each next has twice as many
  Stem stem = Stem::imagenet;

  void fields(FieldVisitor& v) override;
  void check(int image_size) const override;
  std::vector<CostRow> costs(int image_size, int classes) const override;
  std::string sizes() const override;

  bool bottleneck() const { return depth >= 50; }
  std::array<std::int64_t, 4> blocks() const;  // of each stage
  std::int64_t features() const { return (bottleneck() ? 32 : 8) * width; }

  static const std::vector<Preset>& presets();  // "resnet50"; "resnet50_64" is the paper's at 64×64
  // Weights do not say which stem they were trained with: imagenet is assumed, at 224×224.
  static std::optional<RecognisedModel> recognise(const TensorShapes& shapes);
};

}  // namespace smlp
