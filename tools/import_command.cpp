#include <iostream>

#include "command.hpp"
#include "smlp/core/error.hpp"
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
    std::cout << fmt::format("{}: {}, {} classes, normalisation of {}\n{}\n", o->to.string(),
                             found.model.yaml, found.model.classes, found.data.origin,
                             found.described ? "activation, order and skips as config.json says"
                                             : "activation, order and skips as published (no config.json)");
    return 0;
  };
}

}  // namespace smlp
