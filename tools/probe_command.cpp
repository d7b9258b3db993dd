#include "command.hpp"
#include "smlp/core/error.hpp"
#include "training.hpp"

namespace smlp {

Action add_probe_command(CLI::App& app) {
  auto options = std::make_shared<TrainingOptions>();
  auto shots = std::make_shared<std::optional<std::string>>();
  options->default_config = "probe.yaml";
  add_from_option(app, *options);
  app.add_option("--shots", *shots, "train on this many images of each class")->type_name("K");
  add_training_options(app, *options);
  app.footer("Example: smlp probe --from runs/b12 --data cifar10");
  return [options, shots] {
    options->config.set("model.new_head", "true", "smlp probe");
    if (*shots) options->config.set("data.per_class", **shots, "--shots " + **shots);
    return run_training(*options);
  };
}

}  // namespace smlp
