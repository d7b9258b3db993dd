#include <iostream>

#include "command.hpp"
#include "smlp/core/error.hpp"
#include "smlp/run/checkpoint_folders.hpp"
#include "smlp/train/import_weights.hpp"

namespace smlp {
namespace {

struct ExportOptions {
  std::string path, to, format = "safetensors";
  bool best = false;
};

}  // namespace

Action add_export_command(CLI::App& app) {
  auto o = std::make_shared<ExportOptions>();
  app.add_option("RUN_OR_CHECKPOINT", o->path, "a run's folder (its last checkpoint) or a checkpoint's")
      ->required();
  app.add_option("--to", o->to, "the folder to make")->required()->type_name("DIR");
  app.add_option("--format", o->format, "model.safetensors, or model.pt for torch.load(weights_only=True)")
      ->check(CLI::IsMember({"safetensors", "pt"}))
      ->capture_default_str();
  app.add_flag("--best", o->best, "the run's best checkpoint instead of its last");
  app.footer("scripts/load_in_pytorch.py builds the model in PyTorch from the folder.");
  return [o] {
    export_weights(find_checkpoint(o->path, o->best), o->to, o->format == "pt");
    std::cout << fmt::format("{}: model.{} and config.json\n", o->to, o->format);
    return 0;
  };
}

}  // namespace smlp
