#include <iostream>

#include "command.hpp"
#include "examples.hpp"
#include "smlp/core/error.hpp"
#include "smlp/train/import_weights.hpp"

namespace smlp {
namespace {

struct ExportOptions {
  std::string path, to, format = "safetensors";
  bool best = false, merge = false;
};

}  // namespace

Action add_export_command(CLI::App& app) {
  auto o = std::make_shared<ExportOptions>();
  app.add_option("RUN_OR_CHECKPOINT", o->path,
                 "a run (its last checkpoint), a checkpoint, or a file of weights")
      ->required();
  app.add_option("--to", o->to, "the folder to make")->required()->type_name("DIR");
  app.add_option("--format", o->format, "model.safetensors, or model.pt for torch.load(weights_only=True)")
      ->check(CLI::IsMember({"safetensors", "pt"}))
      ->capture_default_str();
  app.add_flag("--best", o->best, "the run's best checkpoint instead of its last");
  app.add_flag("--merge", o->merge,
               "fold batch norms and repmlp's convolutions into linear layers: the same logits from fewer "
               "layers, for inference");
  app.footer(examples(
      {"smlp export runs/b6 --to exported/b6", "smlp export runs/b6 --best --format pt --to exported/pt"},
      "scripts/load_in_pytorch.py (with the wheel: python -m smlp.load_in_pytorch) builds the model "
      "in PyTorch from the folder."));
  return [o] {
    export_weights(o->path, o->to, o->format == "pt", o->best, o->merge);
    std::cout << fmt::format("{}: model.{} and config.json\n", o->to, o->format);
    return 0;
  };
}

}  // namespace smlp
