#pragma once
#include <torch/types.h>

namespace smlp {

// Integer targets of a batch under MixUp: image i is lambda · x_i + (1 − lambda) · x_partner(i).
struct Targets {
  torch::Tensor labels{};    // [B] int64
  torch::Tensor partners{};  // [B] int64, the labels of the mixed-in images; undefined without MixUp
  torch::Tensor lambda{};    // [] float32 on the same device; undefined without MixUp
};

struct Loss {
  torch::Tensor mean;  // [] float32: lambda · CE(labels) + (1 − lambda) · CE(partners), with autograd history
  torch::Tensor right;  // [] int64: images whose largest logit is their label's; under MixUp the label's with
                        // the larger share
};

// Each CE as torch.nn.CrossEntropyLoss(label_smoothing=…), from one log-softmax and without one-hot rows.
// logits [B, C], any float type.
Loss cross_entropy(const torch::Tensor& logits, const Targets& targets, double label_smoothing);

}  // namespace smlp
