#include <iostream>

#include "command.hpp"
#include "smlp/core/error.hpp"
#include "smlp/train/exported_config.hpp"
#include "smlp/train/import_weights.hpp"

namespace smlp {

Action add_import_command(CLI::App& app) {
  auto o = std::make_shared<ImportOptions>();
  app.add_option("FILE", o->from, "a .pt file of PyTorch (nothing in it is executed) or a safetensors file")
      ->required();
  app.add_option("--to", o->to, "the checkpoint's folder")->required()->type_name("DIR");
  app.add_option(
         "--family", o->family,
         "the data the weights saw last, which decides the normalisation; default: config.json beside the "
         "file, or the file's name, says it")
      ->check(CLI::IsMember(known_data()));
  app.add_option("--classes", o->classes, "the class names, one a line, in the order of the outputs")
      ->type_name("FILE");
  app.footer("Example: smlp import B-12_Wi-1024_res_64_imagenet21_epochs_800.pt --to weights/b12");
  return [o] {
    const ImportedWeights found = import_weights(*o);
    const std::int64_t size = found.config.data.image_size;
    std::cout << fmt::format("{}: {} at {}x{}, {} classes, normalisation of {}\n", o->to.string(),
                             found.config.model.name, size, size, found.classes, found.data.origin);
    for (const auto& [key, value] : model_args(found.config))
      std::cout << fmt::format("  {} {}\n", key, value);
    if (!found.described)
      std::cout << "what shapes do not say (activation, order, skips) is as in the published models\n";
    return 0;
  };
}

}  // namespace smlp
