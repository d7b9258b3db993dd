#include "smlp/scaling/study.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "percentile.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/rng.hpp"
#include "smlp/core/signals.hpp"

namespace smlp {
namespace {

constexpr std::size_t fewest_computes = 6, fewest_held_out_computes = 8;
constexpr double held_out_part = 0.2;

using Points = std::vector<ScalingPoint>;

std::vector<Sample> error_samples(const Points& points) {
  std::vector<Sample> samples;
  for (const ScalingPoint& point : points) samples.push_back({{point.compute(), 1}, point.error});
  return samples;
}

std::vector<Sample> joint_samples(const Points& points) {
  std::vector<Sample> samples;
  for (const ScalingPoint& point : points) samples.push_back({{point.parameters, point.seen()}, point.error});
  return samples;
}

template <class Value>
std::size_t different(const Points& points, const Value& value) {
  std::set<double> values;
  for (const ScalingPoint& point : points) values.insert(value(point));
  return values.size();
}

template <class X, class Y>
std::array<double, 2> power(const Points& points, const X& x, const Y& y) {
  std::vector<double> xs, ys;
  for (const ScalingPoint& point : points) {
    xs.push_back(x(point));
    ys.push_back(y(point));
  }
  return fit_power(xs, ys);
}

double compute_of(const ScalingPoint& p) {
  return p.compute();
}
double parameters_of(const ScalingPoint& p) {
  return p.parameters;
}
double seen_of(const ScalingPoint& p) {
  return p.seen();
}
double macs_of(const ScalingPoint& p) {
  return p.macs;
}

Points means(const std::vector<SeedGroup>& groups) {
  Points points;
  for (const SeedGroup& group : groups) points.push_back(group.mean);
  return points;
}

// As many groups as there are, each drawn from all, and of each as many seeds as it has.
Points draw(const std::vector<SeedGroup>& groups, RandomStream& random) {
  Points points;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const SeedGroup& group = groups[random.below(static_cast<std::uint32_t>(groups.size()))];
    ScalingPoint point = group.mean;
    if (group.seeds.size() > 1) {
      double sum = 0;
      for (std::size_t k = 0; k < group.seeds.size(); ++k)
        sum += group.seeds[random.below(static_cast<std::uint32_t>(group.seeds.size()))].error;
      point.error = sum / static_cast<double>(group.seeds.size());
    }
    points.push_back(std::move(point));
  }
  return points;
}

FittedLaw fitted(const std::vector<std::string>& names, const std::vector<double>& values) {
  FittedLaw law;
  const double none = std::nan("");
  for (std::size_t i = 0; i < names.size(); ++i)
    law.coefficients.push_back({names[i], values[i], none, none});
  return law;
}

void set_intervals(FittedLaw& law) {
  for (std::size_t i = 0; i < law.coefficients.size(); ++i) {
    std::vector<double> values;
    for (const auto& refit : law.refits) values.push_back(refit[i]);
    set_interval(law.coefficients[i], std::move(values));
  }
}

class Studying {
 public:
  Studying(const Points& points, const StudyOptions& options) : options_(options) {
    study_.groups = group_seeds(points);
    const Points all = means(study_.groups);
    study_.best = frontier(all);
    if (differ(all)) {
      fit_error();
      fit_joint(all);
    }
    fit_powers(all);
    extrapolate();
    for (std::int64_t i = 0; i < options_.resamples; ++i) refit(i);
    for (std::optional<FittedLaw>* law : laws())
      if (*law) set_intervals(**law);
    remark();
  }

  Study take() { return std::move(study_); }

 private:
  std::vector<std::optional<FittedLaw>*> laws() {
    return {&study_.error, &study_.parameters, &study_.seen, &study_.macs, &study_.joint};
  }

  template <class... Values>
  void say(fmt::format_string<Values...> text, Values&&... values) {
    study_.remarks.push_back(fmt::format(text, std::forward<Values>(values)...));
  }

  bool differ(const Points& all) {
    const auto [least, most] = std::ranges::minmax_element(all, {}, &ScalingPoint::error);
    const bool differ = most->error > least->error * (1 + 1e-6);
    if (!differ) say("no law of the error: it is {:.4g} everywhere", least->error);
    return differ;
  }

  void fit_error() {
    const std::size_t computes = different(study_.best, compute_of);
    if (computes < fewest_computes) {
      say("no law of the error: the frontier has {} different computes, {} are the fewest", computes,
          fewest_computes);
      return;
    }
    Fit fit = fit_law(compute_law(), error_samples(study_.best), options_.objective);
    study_.error = fitted(compute_law().names(), fit.coefficients);
    study_.error->fit = std::move(fit);
  }

  void fit_powers(const Points& all) {
    const std::size_t sizes = different(study_.best, parameters_of);
    const auto make = [&](const std::array<double, 2>& k_p) { return fitted({"k", "p"}, {k_p[0], k_p[1]}); };
    if (sizes < 3 || different(study_.best, compute_of) < 3) {
      say("no law of the best model size: {} on the frontier, three are the fewest",
          sizes == 1 ? std::string("one size") : fmt::format("{} sizes", sizes));
    } else {
      study_.parameters = make(power(study_.best, compute_of, parameters_of));
      study_.seen = make(power(study_.best, compute_of, seen_of));
    }
    if (different(all, parameters_of) > 1) study_.macs = make(power(all, parameters_of, macs_of));
  }

  void fit_joint(const Points& all) {
    const std::size_t sizes = different(all, parameters_of), data = different(all, seen_of);
    if (sizes < 3 || data < 3 || all.size() < 8) {
      say("no joint law E(P, N): {} model sizes, {} numbers of images seen and {} points; three, three and "
          "eight are the fewest",
          sizes, data, all.size());
      return;
    }
    Fit fit = fit_law(joint_law(), joint_samples(all), options_.objective);
    study_.joint = fitted(joint_law().names(), fit.coefficients);
    study_.joint->fit = std::move(fit);
  }

  void extrapolate() {
    const std::size_t computes = different(study_.best, compute_of);
    if (!study_.error || computes < fewest_held_out_computes) {
      say("nothing held out: the frontier has {} different computes, {} are the fewest", computes,
          fewest_held_out_computes);
      return;
    }
    Extrapolation result;
    const auto count = std::max<std::size_t>(
        1, static_cast<std::size_t>(std::floor(held_out_part * static_cast<double>(study_.best.size()))));
    const Points lower(study_.best.begin(), study_.best.end() - static_cast<std::ptrdiff_t>(count));
    const Fit fit = fit_law(compute_law(), error_samples(lower), options_.objective);
    result.fitted = lower.size();
    result.points.assign(study_.best.end() - static_cast<std::ptrdiff_t>(count), study_.best.end());
    for (const ScalingPoint& point : result.points) {
      result.predicted.push_back(compute_law().value(fit.coefficients, {{point.compute(), 1}, 0}));
      result.relative_error += std::pow(result.predicted.back() / point.error - 1, 2);
    }
    result.relative_error = std::sqrt(result.relative_error / static_cast<double>(count));
    study_.held_out = std::move(result);
  }

  // A drawing may have too few different points for a law, or make a coefficient infinite: it goes without.
  static void keep(FittedLaw& law, std::vector<double> coefficients) {
    if (std::ranges::all_of(coefficients, [](double each) { return std::isfinite(each); }))
      law.refits.push_back(std::move(coefficients));
  }

  void refit(std::int64_t drawing) {
    if (stop_signal() != 0) throw Interrupted(fmt::format("stopped by a signal after {} drawings", drawing));
    RandomStream random(options_.seed, Purpose::bootstrap, 0, static_cast<std::uint64_t>(drawing));
    const Points all = draw(study_.groups, random), best = frontier(all);
    const auto keep_power = [](FittedLaw& law, const std::array<double, 2>& k_p) {
      keep(law, {k_p[0], k_p[1]});
    };
    const std::size_t computes = different(best, compute_of), sizes = different(all, parameters_of);
    if (study_.error && computes >= compute_law().names().size())
      keep(*study_.error, fit_law(compute_law(), error_samples(best), options_.objective).coefficients);
    if (study_.parameters && computes > 1) {
      keep_power(*study_.parameters, power(best, compute_of, parameters_of));
      keep_power(*study_.seen, power(best, compute_of, seen_of));
    }
    if (study_.macs && sizes > 1) keep_power(*study_.macs, power(all, parameters_of, macs_of));
    if (study_.joint && sizes > 2 && different(all, seen_of) > 2)
      keep(*study_.joint, fit_law(joint_law(), joint_samples(all), options_.objective).coefficients);
  }

  void remark() {
    if (options_.resamples > 0 && options_.resamples < 100)
      say("intervals from {} drawings are rough: 1000 are usual", options_.resamples);
    if (study_.error) remark_on(*study_.error, "E(C)", {2});
    if (study_.joint) remark_on(*study_.joint, "E(P, N)", {1, 3});
    if (study_.error) {
      const Estimate& b = study_.error->coefficients[1];
      const double least = study_.best.front().compute();
      if (b.value < 1e-3 * least)
        say("E(C): b is at its bound of 0, where intervals are less sure: the points show no bend at low "
            "compute");
      const double span = study_.best.back().compute() / study_.best.front().compute();
      if (span < 10)
        say("E(C): the frontier spans a factor of {:.2g} of compute: no ground to say more than it shows",
            span);
    }
  }

  void remark_on(const FittedLaw& law, const char* name, const std::vector<std::size_t>& exponents) {
    if (!law.fit.minimum.converged)
      say("{}: the search did not converge in {} steps: its numbers are not to be used", name,
          law.fit.minimum.steps);
    if (law.refits.empty()) return;
    const Estimate& floor = law.coefficients.back();
    double least = study_.best.back().error;
    if (floor.low < 0.02 * least && floor.high > 0.02 * least)
      say("{}: e_inf is not told apart from 0 (95 %: {:.2g} to {:.2g})", name, floor.low, floor.high);
    for (const std::size_t i : exponents) {
      const Estimate& exponent = law.coefficients[i];
      if (exponent.high > 3 * exponent.low)
        say("{}: these points do not determine {} (95 %: {:.2g} to {:.2g})", name, exponent.name,
            exponent.low, exponent.high);
    }
  }

  const StudyOptions& options_;
  Study study_;
};

}  // namespace

Study study_scaling(const std::vector<ScalingPoint>& points, const StudyOptions& options) {
  if (points.empty()) fail(ErrorKind::data, "no points to fit a law to");
  return Studying(points, options).take();
}

}  // namespace smlp
