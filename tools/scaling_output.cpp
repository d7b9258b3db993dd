#include "scaling_output.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "gnuplot.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "table.hpp"

namespace smlp {
namespace {

constexpr int curve_points = 200;

std::string number(double value) {
  return fmt::format("{:.4g}", value);
}

std::string interval(const Estimate& estimate) {
  if (std::isnan(estimate.low)) return "";
  return fmt::format("{} to {}", number(estimate.low), number(estimate.high));
}

std::string text_of(const char* formula, const std::optional<FittedLaw>& law) {
  if (!law) return "";
  Cells rows{{"", "value", "95 %"}};
  for (const Estimate& each : law->coefficients)
    rows.push_back({"  " + each.name, number(each.value), interval(each)});
  std::string text = fmt::format("{}\n{}", formula, format_table(rows));
  if (law->fit.coefficients.empty()) return text;
  const Minimum& minimum = law->fit.minimum;
  return text +
         fmt::format(
             "  {:.2f} % off (root mean square), {} in {} steps: gradient {:.1e}, reduction left {:.1e}\n",
             100 * law->fit.relative_error, minimum.converged ? "converged" : "not converged", minimum.steps,
             minimum.gradient, minimum.reduction);
}

std::string text_of(const std::vector<ScalingPoint>& best) {
  Cells rows{{"compute", "model", "parameters", "images", "epochs", "error"}};
  for (const ScalingPoint& p : best)
    rows.push_back({number(p.compute()), p.model, human_count(p.parameters), human_count(p.images),
                    number(p.epochs), number(p.error)});
  return format_table(rows);
}

std::string text_of(const std::optional<Extrapolation>& held_out) {
  if (!held_out) return "";
  Cells rows{{"compute", "error", "predicted"}};
  for (std::size_t i = 0; i < held_out->points.size(); ++i)
    rows.push_back({number(held_out->points[i].compute()), number(held_out->points[i].error),
                    number(held_out->predicted[i])});
  return fmt::format(
      "E(C) fitted to the {} lower points of the frontier says of the others\n{}  {:.2f} % off\n",
      held_out->fitted, format_table(rows), 100 * held_out->relative_error);
}

// Of "x" or "y". Where few decades are shown, gnuplot would write no numbers.
std::string error_axis(char axis, double least, double most) {
  least *= 0.9;
  most *= 1.1;
  std::vector<std::string> marks;
  for (double decade = std::pow(10, std::floor(std::log10(least))); decade < most; decade *= 10)
    for (const double step : {1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0})
      if (const double mark = step * decade; mark > least && mark < most) marks.push_back(number(mark));
  return fmt::format("set {0}range [{1}:{2}]\nset {0}tics ({3})\nunset m{0}tics\nset format {0} '%g'\n", axis,
                     number(least), number(most), fmt::join(marks, ", "));
}

std::string error_axis(const Study& study) {
  double least = study.best.back().error, most = least;
  for (const SeedGroup& group : study.groups) most = std::max(most, group.mean.error);
  if (study.error) least = std::min(least, study.error->coefficients.back().value);
  return error_axis('y', std::max(least, study.best.back().error / 2), most);
}

std::string error_figure(const Study& study) {
  std::string body =
      "set xlabel 'compute: 3 · MACs · images · epochs'\nset ylabel 'error'\nset cblabel "
      "'parameters'\n"
      "set logscale cb\nset format cb '10^{%L}'\n"
      "plot 'points.csv' using 7:8:2 skip 1 with points pt 7 ps 0.8 palette title 'points', \\\n"
      "  'frontier.csv' using 7:8 skip 1 with linespoints pt 6 ps 1.2 lc rgb '#444444' title 'frontier'";
  if (study.error)
    body += fmt::format(
        ", \\\n  'error_curve.csv' using 1:2 skip 1 with lines lw 2 lc rgb '#d62728' "
        "title 'E(C), α = {:.3f}, E∞ = {:.3f}'",
        study.error->coefficients[2].value, study.error->coefficients[3].value);
  return error_axis(study) + body;
}

std::string sizes_figure(const Study& study) {
  const auto law = [](const FittedLaw& fitted) {
    return fmt::format("{:.17g} * x**{:.17g}", fitted.coefficients[0].value, fitted.coefficients[1].value);
  };
  return fmt::format(
      "set xlabel 'compute: 3 · MACs · images · epochs'\nset ylabel 'best parameters, images seen'\n"
      "set key top left\n"
      "plot 'frontier.csv' using 7:2 skip 1 with points pt 7 lc rgb '#1f77b4' title 'parameters', \\\n"
      "  {} with lines lc rgb '#1f77b4' title 'C^{{{:.2f}}}', \\\n"
      "  'frontier.csv' using 7:($4*$5) skip 1 with points pt 5 lc rgb '#ff7f0e' title 'images · "
      "epochs', \\\n"
      "  {} with lines lc rgb '#ff7f0e' title 'C^{{{:.2f}}}'",
      law(*study.parameters), study.parameters->coefficients[1].value, law(*study.seen),
      study.seen->coefficients[1].value);
}

std::string curve_csv(const Study& study) {
  const double from = study.best.front().compute(), to = 10 * study.best.back().compute();
  std::vector<double> coefficients;
  for (const Estimate& each : study.error->coefficients) coefficients.push_back(each.value);
  std::string text = "compute,error\n";
  for (int i = 0; i < curve_points; ++i) {
    const double compute = from * std::pow(to / from, i / (curve_points - 1.0));
    text += fmt::format("{},{}\n", compute, compute_law().value(coefficients, {{compute, 1}, 0}));
  }
  return text;
}

}  // namespace

void check_study_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  if (!fs::exists(folder) ||
      (fs::is_directory(folder) && (fs::is_empty(folder) || fs::exists(folder / "fit.json"))))
    return;
  fail(ErrorKind::usage, "{}: there is something else: name a folder that is new, empty or an earlier fit's",
       folder.string());
}

std::string study_text(const Study& study) {
  std::size_t trainings = 0;
  for (const SeedGroup& group : study.groups) trainings += group.seeds.size();
  std::string text = fmt::format("{} points of {} trainings; the frontier has {}\n", study.groups.size(),
                                 trainings, study.best.size());
  text += text_of(study.best);
  text += text_of("E(C) = a·(b + C)^-alpha + e_inf, C in multiply-accumulates", study.error);
  text += text_of("best parameters = k·C^p", study.parameters);
  text += text_of("their images · epochs = k·C^p", study.seen);
  text += text_of("E(P, N) = A·P^-alpha + B·N^-beta + e_inf, N: images · epochs", study.joint);
  text += text_of(study.held_out);
  for (const std::string& remark : study.remarks) text += "note  " + remark + "\n";
  return text;
}

std::string plan_text(const Plan& plan, double compute) {
  Cells rows{{"", "value", "95 %"}};
  for (const Estimate* each : {&plan.parameters, &plan.images_seen, &plan.error})
    rows.push_back({each->name, number(each->value), interval(*each)});
  return fmt::format("with {} multiply-accumulates\n{}{}", number(compute), format_table(rows),
                     plan.beyond > 1
                         ? fmt::format("note  {} times beyond what was fitted: it is an extrapolation\n",
                                       number(plan.beyond))
                         : "");
}

void write_study(const std::filesystem::path& folder, const Study& study, const StudyOptions& options) {
  check_study_folder(folder);
  std::filesystem::create_directories(folder);
  std::vector<ScalingPoint> points;
  for (const SeedGroup& group : study.groups) points.push_back(group.mean);
  write_file_atomically(folder / "fit.json", study_json(study, options));
  write_file_atomically(folder / "points.csv", points_csv(points));
  write_file_atomically(folder / "frontier.csv", points_csv(study.best));
  if (study.error) write_file_atomically(folder / "error_curve.csv", curve_csv(study));
  write_figure(folder, "error", error_figure(study));
  if (study.parameters) write_figure(folder, "sizes", sizes_figure(study));
}

void write_transfer(const std::filesystem::path& folder, const std::vector<ScalingPoint>& points,
                    const std::vector<double>& upstream) {
  std::string text = "parameters,images,epochs,seed,upstream,error\n";
  std::vector<double> errors, before;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const ScalingPoint& p = points[i];
    if (!(upstream[i] > 0) || !(p.error > 0)) continue;
    text +=
        fmt::format("{},{},{},{},{},{}\n", p.parameters, p.images, p.epochs, p.seed, upstream[i], p.error);
    errors.push_back(p.error);
    before.push_back(upstream[i]);
  }
  if (errors.empty()) return;
  write_file_atomically(folder / "transfer.csv", text);
  const auto axis = [](char name, const std::vector<double>& of) {
    return error_axis(name, *std::ranges::min_element(of), *std::ranges::max_element(of));
  };
  write_figure(folder, "transfer",
               axis('x', before) + axis('y', errors) +
                   "set xlabel 'upstream error'\nset ylabel 'downstream error'\n"
                   "set cblabel 'parameters'\nset logscale cb\nset format cb '10^{%L}'\n"
                   "plot 'transfer.csv' using 5:6:1 skip 1 with points pt 7 ps 0.8 palette notitle");
}

}  // namespace smlp
