#include "scaling_output.hpp"

#include <spdlog/fmt/fmt.h>

#include <cmath>

#include "gnuplot.hpp"
#include "scaling_figures.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "table.hpp"

namespace smlp {
namespace {

std::string interval(const Estimate& estimate) {
  if (std::isnan(estimate.low)) return "";
  return fmt::format("{} to {}", four_digits(estimate.low), four_digits(estimate.high));
}

std::string text_of(const char* formula, const std::optional<FittedLaw>& law) {
  if (!law) return "";
  Cells rows{{"", "value", "95 %"}};
  for (const Estimate& each : law->coefficients)
    rows.push_back({"  " + each.name, four_digits(each.value), interval(each)});
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
    rows.push_back({four_digits(p.compute()), p.model, human_count(p.parameters), human_count(p.images),
                    four_digits(p.epochs), four_digits(p.error)});
  return format_table(rows);
}

std::string text_of(const std::optional<Extrapolation>& held_out) {
  if (!held_out) return "";
  Cells rows{{"compute", "error", "predicted"}};
  for (std::size_t i = 0; i < held_out->points.size(); ++i)
    rows.push_back({four_digits(held_out->points[i].compute()), four_digits(held_out->points[i].error),
                    four_digits(held_out->predicted[i])});
  return fmt::format(
      "E(C) fitted to the {} lower points of the frontier says of the others\n{}  {:.2f} % off\n",
      held_out->fitted, format_table(rows), 100 * held_out->relative_error);
}

}  // namespace

void check_study_folder(const std::filesystem::path& folder) {
  check_result_folder(folder, "fit.json");
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
    rows.push_back({each->name, four_digits(each->value), interval(*each)});
  return fmt::format("with {} multiply-accumulates\n{}{}", four_digits(compute), format_table(rows),
                     plan.beyond > 1
                         ? fmt::format("note  {} times beyond what was fitted: it is an extrapolation\n",
                                       four_digits(plan.beyond))
                         : "");
}

void write_study(const std::filesystem::path& folder, const Study& study, const StudyOptions& options) {
  check_study_folder(folder);
  make_parent_directory(folder / "fit.json");
  std::vector<ScalingPoint> points;
  for (const SeedGroup& group : study.groups) points.push_back(group.mean);
  write_file_atomically(folder / "fit.json", study_json(study, options));
  write_file_atomically(folder / "points.csv", points_csv(points));
  write_file_atomically(folder / "frontier.csv", points_csv(study.best));
  write_study_figures(folder, study, points);
}

}  // namespace smlp
