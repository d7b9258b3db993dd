#include "command.hpp"
#include "examples.hpp"
#include "training.hpp"

namespace smlp {

Action add_finetune_command(CLI::App& app) {
  auto options = std::make_shared<TrainingOptions>();
  auto new_head = std::make_shared<bool>(false);
  options->default_config = "finetune.yaml";
  add_from_option(app, *options);
  app.add_flag("--new-head", *new_head, "a new head also where the class lists are the same");
  add_training_options(app, *options);
  app.footer(examples({"smlp finetune runs/b12 --data data/cifar10",
                       "smlp finetune --from runs/b12 --best --data data/cifar10 --epochs 2 -b 64"},
                      "Without --config: finetune.yaml"));
  return [options, new_head] {
    if (*new_head) options->config.set("init.new_head", "true", "--new-head");
    return run_training(*options);
  };
}

}  // namespace smlp
