#include <algorithm>
#include <iostream>

#include "command.hpp"
#include "examples.hpp"
#include "number_options.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/run/path_kind.hpp"
#include "smlp/train/exported_config.hpp"
#include "smlp/train/import_weights.hpp"

namespace smlp {
namespace {

std::string quoted(const std::string& name) {
  return fmt::format("\"{}\"", printable(name));
}

// Which of a file's tensors these are, where it has more, or others than the published names.
void print_source(const ImportedWeights& found) {
  if (!found.set.empty() || !found.other_sets.empty())
    std::cout << fmt::format("  weights {}\n", quoted(found.set));
  for (const std::string& other : found.other_sets)
    std::cout << fmt::format("  not imported: the weights {0} (--weights {0})\n", quoted(other));
  constexpr std::size_t shown = 3;
  std::vector<std::string> others = found.left_aside;
  if (others.empty()) return;
  others.resize(std::min(others.size(), shown));
  for (std::string& name : others) name = printable(name);
  std::cout << fmt::format("  left aside: {}", fmt::join(others, ", "));
  std::cout << (found.left_aside.size() > shown ? fmt::format(", … ({} tensors)\n", found.left_aside.size())
                                                : "\n");
}

void print_images(const ImportedWeights::Data& data) {
  std::cout << fmt::format("  mean {:.4g}, std {:.4g}", fmt::join(data.statistics.mean, " "),
                           fmt::join(data.statistics.std, " "));
  if (const ImagePreparation& images = data.preparation; images.size > 0)
    std::cout << fmt::format("; files: {} to {}, crop_pct {:.4g}", images.resize, images.size,
                             images.crop_pct);
  std::cout << (data.assumed ? "; assumed, for nothing says it: --family, or --mean and --std, does\n"
                             : "\n");
}

void print(const ImportedWeights& found, const std::string& to) {
  const std::int64_t size = found.config.data.image_size;
  std::cout << fmt::format("{}: {} at {}x{}, {} classes, normalisation of {}\n", to, found.config.model.name,
                           size, size, found.classes, found.data.origin);
  print_images(found.data);
  print_source(found);
  for (const auto& [key, value] : model_args(found.config)) std::cout << fmt::format("  {} {}\n", key, value);
  if (!found.described)
    std::cout << "what shapes do not say (activation, order, skips) is as in the published models\n";
}

}  // namespace

Action add_import_command(CLI::App& app) {
  auto o = std::make_shared<ImportOptions>();
  app.add_option("FILE", o->from,
                 "a .pt file of PyTorch (nothing in it is executed), a safetensors or .npz file, or the "
                 ".index.json of "
                 "several; or an export's folder")
      ->required();
  app.add_option("--to", o->to, "the checkpoint's folder")->required()->type_name("DIR");
  app.add_option(
         "--family", o->family,
         "the data the weights saw last, which decides the normalisation; default: config.json beside the "
         "file, or the file's name, says it")
      ->check(CLI::IsMember(known_data()));
  app.add_option(
         "--weights", o->weights,
         "which weights, where the file has several: their name or a word of it, such as ema; default: "
         "those that are no average")
      ->type_name("NAME");
  auto given = std::make_shared<ChannelStatistics>();
  auto* const mean = app.add_option("--mean", given->mean,
                                    "the normalisation itself, of pixels in [0, 1]: three means, and --std");
  auto* const deviation = app.add_option("--std", given->std, "three deviations");
  for (CLI::Option* const each : {mean, deviation}) each->expected(3)->delimiter(',')->type_name("R,G,B");
  mean->needs(deviation)->check(number_between(-10, 10));
  deviation->needs(mean)->check(number_between(1e-6, 10));
  app.add_option("--classes", o->classes, "the class names, one a line, in the order of the outputs")
      ->type_name("FILE");
  app.footer(examples({"smlp import B-12_Wi-1024_res_64_imagenet21_epochs_800.pt --to weights/b12",
                       "smlp import model.safetensors --family cifar10 --to weights/mine"}));
  return [o, given] {
    if (!given->mean.empty()) o->normalization = *given;
    if (const auto file = find_weights_file(o->from))
      o->from = *file;  // of an export's folder
    else if (std::filesystem::is_directory(o->from))
      fail(ErrorKind::data, "{}: no weights to import: {}", o->from.string(), what_is(o->from));
    print(import_weights(*o), o->to.string());
    return 0;
  };
}

}  // namespace smlp
