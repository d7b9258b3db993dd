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
         "the data the weights saw, which decides the normalisation: imagenet21k, imagenet, tiny-imagenet, "
         "cifar10, cifar100, stl10; default: the file's name says it")
      ->type_name("NAME");
  app.add_option("--classes", o->classes, "the class names, one a line, in the order of the outputs")
      ->type_name("FILE");
  app.footer("Example: smlp import B-12_Wi-1024_res_64_imagenet21_epochs_800.pt --to weights/b12");
  return [o] {
    const RecognisedModel model = import_weights(*o);
    std::cout << fmt::format("{}: {}, {} classes\n", o->to.string(), model.yaml, model.classes);
    return 0;
  };
}

}  // namespace smlp
