#include <spdlog/fmt/fmt.h>

#include "command.hpp"
#include "examples.hpp"
#include "smlp/train/config_files.hpp"
#include "training.hpp"

namespace smlp {

Action add_train_command(CLI::App& app) {
  auto options = std::make_shared<TrainingOptions>();
  add_training_options(app, *options);
  app.footer([] {
    return examples(
        {"smlp train quickstart.yaml",
         "smlp train cifar10_b_mlp.yaml --data data/cifar10 --name b6 --epochs 2",
         "smlp train --model B-2/64 --data data/cifar10 --epochs 2 --set data.image_size=32 optim.lr=1e-4",
         "smlp train cifar10_b_mlp.yaml --data data/cifar10 --seeds 0-1 --dry-run"},
        fmt::format("Shipped configurations: {}", fmt::join(shipped_configs(), ", ")));
  });
  return [options] { return run_training(*options); };
}

}  // namespace smlp
