#include <algorithm>
#include <iostream>

#include "command.hpp"
#include "smlp/analysis/first_layer.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/formats/png.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/saved_model.hpp"
#include "table.hpp"

namespace smlp {
namespace {

struct VizOptions {
  std::vector<std::string> paths;
  std::string filters = "first";
  std::string output = "first_layer.png";
  bool best = false;
};

bool names_a_model(const std::string& name) {
  return find_preset(name) ||
         std::ranges::any_of(model_table(), [&](const auto& family) { return name == family.name; });
}

// A checkpoint's weights, or those a model of that name starts with.
torch::Tensor first_layer(const std::string& path, bool best) {
  std::shared_ptr<Model> model;
  if (!fs::exists(path) && names_a_model(path)) {
    const RunConfig config = load_run_config(std::nullopt, {make_override("model.name", path, path)});
    torch::manual_seed(0);
    model = build_model(config.model, static_cast<int>(config.data.image_size), 2);
  } else {
    model = open_saved_model(path, best).model;
  }
  for (const auto& item : model->named_parameters())
    if (item.key() == "linear_in.weight") return item.value();
  fail(ErrorKind::data, "{}: the model has no first layer over whole images (linear_in.weight)", path);
}

int run_viz(const VizOptions& options) {
  const FilterChoice choice = options.filters == "largest" ? FilterChoice::largest : FilterChoice::first;
  std::vector<Image> pictures;
  std::vector<std::vector<std::string>> rows{{"first layer of", "neighbour correlation"}};
  for (const std::string& path : options.paths) {
    const torch::Tensor weight = first_layer(path, options.best);
    pictures.push_back(first_layer_picture(weight, choice));
    rows.push_back({path, fmt::format("{:.3f}", neighbour_correlation(weight))});
  }
  const Image page = side_by_side(pictures);
  write_file_atomically(options.output, encode_png(page));
  std::cout << format_table(rows)
            << fmt::format("{}: {}x{}, the {} 25 filters of each\n", options.output, page.width, page.height,
                           options.filters);
  return 0;
}

}  // namespace

Action add_viz_command(CLI::App& app) {
  auto o = std::make_shared<VizOptions>();
  app.add_option("RUN_OR_CHECKPOINT", o->paths,
                 "one or more, drawn side by side; or a model's name, untrained")
      ->required();
  app.add_option("--filters", o->filters, "the first 25 rows, or those of the largest norm")
      ->check(CLI::IsMember({"first", "largest"}))
      ->capture_default_str();
  app.add_option("-o,--output", o->output, "the picture")->type_name("FILE.png")->capture_default_str();
  app.add_flag("--best", o->best, "the runs' best checkpoints instead of their last");
  return [o] { return run_viz(*o); };
}

}  // namespace smlp
