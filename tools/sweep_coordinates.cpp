#include "sweep_coordinates.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "config_options.hpp"
#include "examples.hpp"
#include "gnuplot.hpp"
#include "smlp/analysis/coordinate_check.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/train/config_files.hpp"
#include "table.hpp"

namespace smlp {
namespace {

using Rows = std::vector<LayerCoordinates>;

struct CoordinatesCommand {
  ConfigOptions config;
  CoordinateOptions options{.widths = {64, 128, 256, 512}, .alter = {}};
  std::string to;
  bool json = false;
};

std::vector<std::string> layers_of(const Rows& rows) {
  std::vector<std::string> layers;
  for (const LayerCoordinates& row : rows)
    if (std::ranges::count(layers, row.layer) == 0) layers.push_back(row.layer);
  return layers;
}

std::string slope_text(double slope) {
  return std::isnan(slope) ? "" : fmt::format("{:+.2f}", slope);  // of changes that are nothing
}

// A line a layer.
std::string slopes_text(const Rows& rows, const CoordinatesCommand& command) {
  Cells cells{{"layer"}};
  for (const std::string& layer : layers_of(rows)) cells.push_back({layer});
  for (const std::string& parametrization : command.options.parametrizations) {
    cells[0].insert(cells[0].end(), {parametrization + " outputs", "changes", "weights"});
    std::size_t line = 1;
    for (const WidthSlopes& each : width_slopes(rows)) {
      if (each.parametrization != parametrization) continue;
      cells[line].insert(cells[line].end(),
                         {slope_text(each.activation), slope_text(each.change), slope_text(each.weight)});
      ++line;
    }
  }
  return format_table(cells) +
         fmt::format("slopes over widths {} after {}: 0 is level, 1 grows as the width\n",
                     fmt::join(command.options.widths, ", "), counted(rows.back().step, "step"));
}

std::string slopes_json(const Rows& rows) {
  nlohmann::ordered_json json{{"rows", nlohmann::ordered_json::array()},
                              {"slopes", nlohmann::ordered_json::array()}};
  for (const LayerCoordinates& r : rows)
    json["rows"].push_back({{"parametrization", r.parametrization},
                            {"width", r.width},
                            {"step", r.step},
                            {"layer", r.layer},
                            {"output", r.activation},
                            {"change", r.change},
                            {"weight", r.weight}});
  for (const WidthSlopes& s : width_slopes(rows))
    json["slopes"].push_back({{"parametrization", s.parametrization},
                              {"layer", s.layer},
                              {"output", s.activation},
                              {"change", s.change},
                              {"weight", s.weight}});
  return json_text(json, 1) + "\n";
}

// The changes after the last step: a line a width, a column a curve, which `titles` names.
std::string changes_csv(const Rows& rows, std::vector<std::string>& titles) {
  std::map<std::int64_t, std::string> lines;
  for (const LayerCoordinates& row : rows) {
    if (row.step != rows.back().step) continue;
    const std::string title = row.parametrization + " " + row.layer;
    if (std::ranges::count(titles, title) == 0) titles.push_back(title);
    lines[row.width] += fmt::format(",{}", row.change);
  }
  std::string text = fmt::format("width,{}\n", fmt::join(titles, ","));
  for (const auto& [width, line] : lines) text += fmt::format("{}{}\n", width, line);
  return text;
}

std::string coordinates_csv(const Rows& rows) {
  std::string text = "parametrization,width,step,layer,output,change,weight\n";
  for (const LayerCoordinates& r : rows)
    text += fmt::format("{},{},{},{},{},{},{}\n", r.parametrization, r.width, r.step, r.layer, r.activation,
                        r.change, r.weight);
  return text;
}

// One colour a layer; solid under µP, else dashed.
std::string changes_figure(const Rows& rows, const std::vector<std::string>& titles) {
  const std::vector<std::string> layers = layers_of(rows);
  std::vector<std::string> curves;
  for (std::size_t i = 0; i < titles.size(); ++i) {
    const bool mup = titles[i].starts_with("mup");
    const std::string title = mup || titles.size() == layers.size()
                                  ? fmt::format("title '{}'", layers[i % layers.size()])
                                  : "notitle";
    curves.push_back(fmt::format("'changes.csv' using 1:{} skip 1 with linespoints lc {} pt {} dt {} {}",
                                 i + 2, i % layers.size() + 1, mup ? 7 : 6, mup ? 1 : 2, title));
  }
  return fmt::format(
      "set logscale xy 2\nset format x '%g'\nset format y '2^{{%L}}'\nset key outside right font ',10' "
      "noenhanced\n"
      "set xlabel 'width (solid: mup, dashed: standard)'\n"
      "set ylabel 'mean change of a layer''s outputs after {}'\nplot {}",
      counted(rows.back().step, "step"), fmt::join(curves, ", \\\n  "));
}

void write_coordinates(const std::filesystem::path& folder, const Rows& rows) {
  std::vector<std::string> titles;
  write_file_atomically(folder / "coordinates.csv", coordinates_csv(rows));
  write_file_atomically(folder / "changes.csv", changes_csv(rows, titles));
  write_figure(folder, "changes", changes_figure(rows, titles));
}

int run_coordinates(const CoordinatesCommand& command) {
  check_result_folder(command.to, "coordinates.csv");
  const RunConfig config = load_run_config(command.config.file(), command.config.overrides());
  if (!command.to.empty())  // before the work, not after it
    make_parent_directory(std::filesystem::path(command.to) / "coordinates.csv");
  const Rows rows = check_coordinates(config, command.options);
  std::cout << (command.json ? slopes_json(rows) : slopes_text(rows, command));
  if (!command.to.empty()) write_coordinates(command.to, rows);
  return 0;
}

}  // namespace

Action add_coordinates_command(CLI::App& app) {
  auto o = std::make_shared<CoordinatesCommand>();
  app.add_option("--widths", o->options.widths, "widths to train at; the least is µP's base")
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--steps", o->options.steps, "steps of each training")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--to", o->to, "write coordinates.csv, changes.csv and a figure there")->type_name("DIR");
  app.add_flag("--json", o->json, "print JSON");
  o->config.add_to(app, ConfigOptions::File::positional);
  app.footer(examples(
      {"smlp sweep coordinates cifar10_b_mlp.yaml --data data/cifar10 --widths 16,32 --steps 3"},
      "How the outputs of each linear layer, what training changes of them, and the norms of its\n"
      "weights grow with the width, under µP and the standard parametrisation. Under µP the changes\n"
      "are level; so are the norms after some hundred steps with decay."));
  return [o] { return run_coordinates(*o); };
}

}  // namespace smlp
