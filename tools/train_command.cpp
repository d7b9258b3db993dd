#include <spdlog/fmt/fmt.h>

#include "command.hpp"
#include "smlp/train/config_files.hpp"
#include "training.hpp"

namespace smlp {

Action add_train_command(CLI::App& app) {
  auto options = std::make_shared<TrainingOptions>();
  add_training_options(app, *options);
  app.footer([] {
    return fmt::format("Example: smlp train --config quickstart.yaml\nShipped configurations: {}",
                       fmt::join(shipped_configs(), ", "));
  });
  return [options] { return run_training(*options); };
}

}  // namespace smlp
