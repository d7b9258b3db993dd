#include "command.hpp"
#include "examples.hpp"
#include "smlp/core/error.hpp"
#include "training.hpp"

namespace smlp {

Action add_probe_command(CLI::App& app) {
  auto options = std::make_shared<TrainingOptions>();
  auto shots = std::make_shared<std::optional<std::string>>();
  auto method = std::make_shared<std::optional<std::string>>();
  add_from_option(app, *options);
  app.add_option("--shots", *shots, "train on this many images of each class")
      ->type_name("K")
      ->check(CLI::PositiveNumber);
  app.add_option(
         "--method", *method,
         "gradient (the default): train the head with the optimiser; ridge: regularised least squares in "
         "closed form, the penalty chosen by leaving each training image out in turn")
      ->check(CLI::IsMember({"gradient", "ridge"}));
  add_training_options(app, *options);
  app.footer(examples({"smlp probe runs/b12 --data data/cifar10",
                       "smlp probe runs/b12 --data data/cifar10 --shots 2 --method ridge"},
                      "Without --config: probe.yaml, or probe_ridge.yaml with --method ridge"));
  return [options, shots, method] {
    options->default_config = *method == "ridge" ? "probe_ridge.yaml" : "probe.yaml";
    if (*method) options->config.set("train.method", **method, "--method " + **method);
    options->config.set("init.new_head", "true", "smlp probe");
    if (*shots) options->config.set("data.per_class", **shots, "--shots " + **shots);
    return run_training(*options);
  };
}

}  // namespace smlp
