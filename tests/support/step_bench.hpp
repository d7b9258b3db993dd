#pragma once
// Training steps on a small model, as a library's user takes them: no folder, no data set.
#include <memory>
#include <string>
#include <vector>

#include "smlp/networks/registry.hpp"
#include "smlp/optim/registry.hpp"
#include "smlp/train/tensor_file.hpp"
#include "smlp/train/training_step.hpp"
#include "support/chosen.hpp"

namespace smlp::testing {

inline const std::string small_mlp = "{name: b_mlp, depth: 2, width: 16}";

constexpr int image_size = 16;

struct StepBench {
  std::shared_ptr<Model> model;
  std::unique_ptr<TrainingStep> step;

  StepBench(const std::string& model_yaml, const std::string& optimizer_yaml,
            TrainingStep::Options options = {}, std::shared_ptr<World> world = std::make_shared<World>(),
            Precision precision = Precision::fp32, const Device& on = {}, int size = image_size) {
    torch::manual_seed(5);
    Device device = on;
    device.precision = precision;
    model = build_model(read_chosen<ModelConfig>(model_table(), model_yaml), size, 10);
    model->to(device.torch);
    const auto optim = read_chosen<OptimizerConfig>(optimizer_table(), optimizer_yaml);
    step = std::make_unique<TrainingStep>(model, optim->build(group_parameters(*model, *optim.config)),
                                          device, options, std::move(world));
  }
  std::vector<torch::Tensor> weights() const {
    std::vector<torch::Tensor> all;
    for (const auto& [name, tensor] : named_tensors(*model)) all.push_back(tensor.detach().clone());
    return all;
  }
};

inline Batch random_batch(std::int64_t images, bool mixed = false) {
  torch::manual_seed(7);
  Batch batch{.images = torch::randn({images, 3, image_size, image_size}),
              .labels = torch::randint(10, {images}),
              .partners = {},
              .lambda = {}};
  if (mixed) batch.partners = batch.labels.roll(1), batch.lambda = torch::tensor(0.75f);
  return batch;
}

}  // namespace smlp::testing
