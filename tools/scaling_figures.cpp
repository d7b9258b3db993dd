#include "scaling_figures.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "gnuplot.hpp"
#include "smlp/core/files.hpp"
#include "table.hpp"

namespace smlp {
namespace {

constexpr int curve_points = 200;
constexpr double curve_reach = 10;  // times the most compute

// Marks of an axis from `least` to `most`: some of each decade, or more where there are few decades.
std::vector<std::string> axis_marks(double least, double most) {
  constexpr std::array coarse{1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0};
  constexpr std::size_t few = 4;
  std::vector<std::string> marks, fine;
  for (double decade = std::pow(10, std::floor(std::log10(least))); decade < most; decade *= 10) {
    for (const double step : coarse)
      if (const double mark = step * decade; mark > least && mark < most) marks.push_back(four_digits(mark));
    for (int tenth = 10; tenth < 100; tenth += 2)
      if (const double mark = tenth * decade / 10; mark > least && mark < most)
        fine.push_back(four_digits(mark));
  }
  return marks.size() < few ? fine : marks;
}

// Of "x" or "y". Gnuplot would write no numbers within a decade.
std::string error_axis(char axis, double least, double most) {
  constexpr double smallest = 1e-12;  // of errors that have a place
  least = std::max(least, smallest);
  const double room = std::clamp(std::pow(most / least, 0.08), 1.01, 1.1);
  least /= room;
  most = std::max(most, least) * room;
  return fmt::format("set {0}range [{1}:{2}]\nset {0}tics ({3})\nunset m{0}tics\nset format {0} '%g'\n", axis,
                     four_digits(least), four_digits(most), fmt::join(axis_marks(least, most), ", "));
}

double largest_error(const Study& study) {
  double most = 0;
  for (const SeedGroup& group : study.groups) most = std::max(most, group.mean.error);
  return most;
}

// With room below the best error for what a law says, but no more than as much again.
std::string error_axis(const Study& study, double lowest) {
  const double best = study.best.back().error;
  return error_axis('y', std::clamp(lowest, best / 2, best), largest_error(study));
}

double value_of(const FittedLaw& law, const Law& form, const Sample& at) {
  std::vector<double> coefficients;
  for (const Estimate& each : law.coefficients) coefficients.push_back(each.value);
  return form.value(coefficients, at);
}

// The curve of E(C) ends there.
double end_of_curve(const Study& study) {
  return curve_reach * study.best.back().compute();
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
  const double lowest = study.error ? value_of(*study.error, compute_law(), {{end_of_curve(study), 1}, 0})
                                    : study.best.back().error;
  return error_axis(study, lowest) + body;
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
  const double from = study.best.front().compute(), to = end_of_curve(study);
  std::string text = "compute,error\n";
  for (int i = 0; i < curve_points; ++i) {
    const double compute = from * std::pow(to / from, i / (curve_points - 1.0));
    text += fmt::format("{},{}\n", compute, value_of(*study.error, compute_law(), {{compute, 1}, 0}));
  }
  return text;
}

// Of P or N, as `own`, where the other is no bottleneck: the joint law at the most of the other that was
// tried, and without its term. Columns are those of points.csv, terms those of the law's coefficients.
struct Marginal {
  const char *own, *own_column, *other, *other_column;
  std::size_t own_term, other_term;
  double most_own, most_other;
};

std::string marginal_figure(const Study& study, const Marginal& of) {
  const auto value = [&](std::size_t i) { return study.joint->coefficients[i].value; };
  const auto term = [&](std::size_t i, double x) { return value(i) * std::pow(x, -value(i + 1)); };
  const double e_inf = study.joint->coefficients.back().value, best = study.best.back().error;
  const double limit = term(of.own_term, of.most_own) + e_inf;
  const std::string law =
      fmt::format("{:.17g} * x**(-{:.17g}) + {:.17g}", value(of.own_term), value(of.own_term + 1), e_inf);
  std::string body = fmt::format(
      "set xlabel '{}'\nset ylabel 'error'\nset cblabel '{}'\nset logscale cb\nset format cb '10^{{%L}}'\n"
      "set key top right\n"
      "plot 'points.csv' using {}:8:{} skip 1 with points pt 7 ps 0.8 palette notitle, \\\n"
      "  {} + {:.17g} with lines lw 2 lc rgb '#d62728' title 'E(P, N) at the most {}'",
      of.own, of.other, of.own_column, of.other_column, law, term(of.other_term, of.most_other), of.other);
  const bool in_sight = limit > best / 2;
  if (in_sight)
    body +=
        fmt::format(", \\\n  {} with lines lw 2 dt 2 lc rgb '#444444' title 'at infinite {}'", law, of.other);
  return error_axis(study, in_sight ? limit : limit + term(of.other_term, of.most_other)) + body;
}

void write_marginals(const fs::path& folder, const Study& study, const std::vector<ScalingPoint>& points) {
  constexpr const char *p = "parameters", *p_column = "2", *n = "images · epochs", *n_column = "($4*$5)";
  double most_p = 0, most_n = 0;
  for (const ScalingPoint& point : points) {
    most_p = std::max(most_p, point.parameters);
    most_n = std::max(most_n, point.seen());
  }
  write_figure(folder, "parameters",
               marginal_figure(study, {p, p_column, n, n_column, 0, 2, most_p, most_n}));
  write_figure(folder, "images", marginal_figure(study, {n, n_column, p, p_column, 2, 0, most_n, most_p}));
}

// The frontier of each number of epochs beside that of all, where there are several, and not too many for a
// legend.
void write_epochs(const fs::path& folder, const Study& study, const std::vector<ScalingPoint>& points) {
  std::set<double> lengths;
  for (const ScalingPoint& point : points) lengths.insert(point.epochs);
  constexpr std::size_t most = 8;  // gnuplot's colours
  if (lengths.size() < 2 || lengths.size() > most) return;
  std::vector<ScalingPoint> rows;
  std::vector<std::string> lines;
  for (const double epochs : lengths) {
    std::vector<ScalingPoint> of_length;
    std::ranges::copy_if(points, std::back_inserter(of_length),
                         [&](const ScalingPoint& point) { return point.epochs == epochs; });
    for (const ScalingPoint& point : frontier(std::move(of_length))) rows.push_back(point);
    lines.push_back(
        fmt::format("'epochs.csv' using ($5 == {0} ? $7 : NaN):8 skip 1 with linespoints pt 7 ps 0.8 "
                    "lc {1} title '{0} {2}'",
                    epochs, lines.size() + 1, epochs == 1 ? "epoch" : "epochs"));
  }
  write_file_atomically(folder / "epochs.csv", points_csv(rows));
  write_figure(
      folder, "epochs",
      error_axis(study, study.best.back().error) +
          fmt::format(
              "set key top right\nset xlabel 'compute: 3 · MACs · images · epochs'\nset ylabel 'error'\nplot "
              "'frontier.csv' using 7:8 skip 1 with lines lw 4 lc rgb '#cccccc' title 'frontier', "
              "\\\n  {}",
              fmt::join(lines, ", \\\n  ")));
}

}  // namespace

void write_study_figures(const fs::path& folder, const Study& study,
                         const std::vector<ScalingPoint>& points) {
  if (study.error) write_file_atomically(folder / "error_curve.csv", curve_csv(study));
  write_figure(folder, "error", error_figure(study));
  if (study.parameters) write_figure(folder, "sizes", sizes_figure(study));
  if (study.joint) write_marginals(folder, study, points);
  write_epochs(folder, study, points);
}

void write_transfer(const fs::path& folder, const std::vector<ScalingPoint>& points,
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
