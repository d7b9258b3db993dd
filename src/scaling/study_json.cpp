#include "smlp/scaling/study_json.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "percentile.hpp"
#include "smlp/core/error.hpp"
#include "smlp/formats/json.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;

constexpr int json_depth = 8;
constexpr double largest_plan = 1e18;  // parameters, or images seen

Json point_json(const ScalingPoint& p) {
  return {{"model", p.model},   {"parameters", p.parameters}, {"macs", p.macs},  {"images", p.images},
          {"epochs", p.epochs}, {"compute", p.compute()},     {"error", p.error}};
}

Json law_json(const std::optional<FittedLaw>& law) {
  if (!law) return nullptr;
  Json json;
  for (const Estimate& each : law->coefficients)
    json["coefficients"][each.name] = {{"value", each.value}, {"low", each.low}, {"high", each.high}};
  if (!law->fit.coefficients.empty()) {
    const Minimum& minimum = law->fit.minimum;
    json["search"] = {{"converged", minimum.converged},
                      {"steps", minimum.steps},
                      {"gradient", minimum.gradient},
                      {"reduction", minimum.reduction},
                      {"relative_error", law->fit.relative_error}};
  }
  json["refits"] = law->refits;
  return json;
}

Json extrapolation_json(const std::optional<Extrapolation>& held_out) {
  if (!held_out) return nullptr;
  Json points = Json::array();
  for (std::size_t i = 0; i < held_out->points.size(); ++i) {
    points.push_back(point_json(held_out->points[i]));
    points.back()["predicted"] = held_out->predicted[i];
  }
  return {{"fitted", held_out->fitted}, {"relative_error", held_out->relative_error}, {"points", points}};
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& file)
      : file_(file), json_(parse_json(text, file, json_depth)) {}

  FittedLaw law(const char* name, const std::vector<std::string>& coefficients) const {
    if (!json_.is_object() || !json_.contains(name)) refuse(name, "is missing");
    const nlohmann::json& law = json_[name];
    if (law.is_null()) refuse(name, "could not be fitted: more points, or others, are needed");
    FittedLaw result;
    for (const std::string& each : coefficients) {
      const auto value = nlohmann::json::json_pointer("/coefficients/" + each + "/value");
      if (!law.contains(value) || !law[value].is_number()) refuse(name, "has no coefficient " + each);
      result.coefficients.push_back({each, law[value].get<double>(), std::nan(""), std::nan("")});
    }
    if (!law.contains("refits") || !law["refits"].is_array()) refuse(name, "has no refits");
    for (const nlohmann::json& refit : law["refits"]) {
      const bool numbers =
          refit.is_array() && refit.size() == coefficients.size() &&
          std::all_of(refit.begin(), refit.end(), [](const auto& x) { return x.is_number(); });
      if (!numbers) refuse(name, fmt::format("has a refit that is not {} numbers", coefficients.size()));
      result.refits.push_back(refit.get<std::vector<double>>());
    }
    return result;
  }

  std::array<double, 2> range(const char* name) const {
    const bool numbers = json_.contains(name) && json_[name].is_array() && json_[name].size() == 2 &&
                         json_[name][0].is_number() && json_[name][1].is_number();
    if (!numbers) refuse(name, "is not two numbers");
    return json_[name].get<std::array<double, 2>>();
  }

 private:
  [[noreturn]] void refuse(const char* name, const std::string& reason) const {
    fail(ErrorKind::data, "{}: no fit.json of `smlp scaling fit`, or not one to plan by: its \"{}\" {}",
         file_, name, reason);
  }

  const std::string& file_;
  nlohmann::json json_;
};

double power(const std::vector<double>& k_p, double x) {
  return k_p[0] * std::pow(x, k_p[1]);
}

std::vector<double> values(const FittedLaw& law) {
  std::vector<double> all;
  for (const Estimate& each : law.coefficients) all.push_back(each.value);
  return all;
}

// `value` of the coefficients, and of as many refits as all laws have.
template <class Value>
Estimate estimate(const char* name, const std::vector<const FittedLaw*>& laws, const Value& value) {
  std::vector<std::vector<double>> chosen;
  std::size_t refits = laws[0]->refits.size();
  for (const FittedLaw* law : laws) {
    chosen.push_back(values(*law));
    refits = std::min(refits, law->refits.size());
  }
  Estimate result{name, value(chosen), std::nan(""), std::nan("")};
  std::vector<double> all;
  for (std::size_t i = 0; i < refits; ++i) {
    for (std::size_t k = 0; k < laws.size(); ++k) chosen[k] = laws[k]->refits[i];
    all.push_back(value(chosen));
  }
  set_interval(result, std::move(all));
  return result;
}

}  // namespace

std::string study_json(const Study& study, const StudyOptions& options) {
  Json points = Json::array(), best = Json::array();
  for (const SeedGroup& group : study.groups) {
    points.push_back(point_json(group.mean));
    points.back()["seeds"] = group.seeds.size();
    points.back()["deviation"] = group.deviation;
  }
  for (const ScalingPoint& point : study.best) best.push_back(point_json(point));
  const Json json{{"objective", options.objective == Objective::squares ? "squares" : "huber_log"},
                  {"resamples", options.resamples},
                  {"seed", options.seed},
                  {"compute", {study.best.front().compute(), study.best.back().compute()}},
                  {"error", law_json(study.error)},
                  {"parameters", law_json(study.parameters)},
                  {"seen", law_json(study.seen)},
                  {"macs", law_json(study.macs)},
                  {"joint", law_json(study.joint)},
                  {"held_out", extrapolation_json(study.held_out)},
                  {"remarks", study.remarks},
                  {"points", points},
                  {"frontier", best}};
  return json_text(json, 1) + "\n";
}

FittedScaling parse_study(std::string_view text, const std::string& file) {
  const Reader reader(text, file);
  return {reader.law("error", compute_law().names()), reader.law("parameters", {"k", "p"}),
          reader.law("macs", {"k", "p"}), reader.range("compute")};
}

Plan plan_training(const FittedScaling& laws, double compute) {
  Plan plan;
  plan.parameters =
      estimate("parameters", {&laws.parameters}, [&](const auto& c) { return power(c[0], compute); });
  plan.images_seen = estimate("images_seen", {&laws.parameters, &laws.macs}, [&](const auto& c) {
    return compute / (3 * power(c[1], power(c[0], compute)));
  });
  const auto sensible = [](const Estimate& each) { return each.value >= 1 && each.value < largest_plan; };
  if (!sensible(plan.parameters) || !sensible(plan.images_seen))
    fail(ErrorKind::usage,
         "a compute of {} would want {} parameters and {} images seen: the laws say nothing there", compute,
         plan.parameters.value, plan.images_seen.value);
  plan.beyond = std::max({1.0, compute / laws.compute[1], laws.compute[0] / compute});
  plan.error = estimate("error", {&laws.error}, [&](const auto& c) {
    return compute_law().value(c[0], {{compute, 1}, 0});
  });
  return plan;
}

}  // namespace smlp
