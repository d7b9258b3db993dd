#include <algorithm>
#include <iostream>

#include "command.hpp"
#include "examples.hpp"
#include "smlp/analysis/first_layer.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/png.hpp"
#include "table.hpp"

namespace smlp {
namespace {

struct VizOptions {
  std::vector<std::string> paths;
  std::string filters = "first";
  std::string output = "first_layer.png";
  bool best = false;
};

std::string rows_text(const std::vector<std::int64_t>& rows) {
  return std::ranges::is_sorted(rows) ? fmt::format("{} to {}", rows.front(), rows.back())
                                      : fmt::format("{}", fmt::join(rows, " "));
}

int run_viz(const VizOptions& options) {
  const fs::path output = options.output;
  if (!is_stream(output) && lower_case(output.extension().string()) != ".png")
    fail(ErrorKind::usage, "--output {}: the picture is a PNG; call it FILE.png", options.output);
  const FilterChoice choice = options.filters == "largest" ? FilterChoice::largest : FilterChoice::first;
  std::vector<Image> pictures;
  std::vector<std::vector<std::string>> table{{"picture", "first layer of", "neighbour correlation"}};
  std::string drawn;
  for (const std::string& path : options.paths) {
    FirstLayer layer = first_layer_of(path, options.best, choice);
    pictures.push_back(std::move(layer.picture));
    table.push_back({std::to_string(pictures.size()), layer.of, fmt::format("{:.3f}", layer.correlation)});
    drawn += fmt::format("picture {}, row by row: filters {}\n", pictures.size(), rows_text(layer.rows));
  }
  const Image page = side_by_side(pictures);
  write_file_atomically(options.output, encode_png(page));
  std::cout << format_table(table) << drawn
            << fmt::format("{}: {}x{}, the pictures from left to right\n", options.output, page.width,
                           page.height);
  return 0;
}

}  // namespace

Action add_viz_command(CLI::App& app) {
  auto o = std::make_shared<VizOptions>();
  app.add_option("RUN_OR_CHECKPOINT", o->paths,
                 "one or more runs, checkpoints or files of weights, drawn side by side; or a model's name, "
                 "untrained")
      ->required();
  app.add_option("--filters", o->filters, "the first 25 rows, or those of the largest norm")
      ->check(CLI::IsMember({"first", "largest"}))
      ->capture_default_str();
  app.add_option("-o,--output", o->output, "the picture")->type_name("FILE.png")->capture_default_str();
  app.add_flag("--best", o->best, "the runs' best checkpoints instead of their last");
  app.footer(examples({"smlp viz runs/b6", "smlp viz runs/b6 B-6/256 --filters largest -o filters.png"}));
  return [o] { return run_viz(*o); };
}

}  // namespace smlp
