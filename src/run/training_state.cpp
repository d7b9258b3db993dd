#include "smlp/run/training_state.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"
#include "smlp/formats/json.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;
constexpr int state_version = 1;
constexpr int max_state_depth = 16;

Json to_json(const BestResult& best) {
  return {{"epoch", best.epoch},
          {"step", best.step},
          {"score", best.score},
          {"top1", best.top1},
          {"top5", best.top5}};
}

// The library converts any number, also one that no integer holds.
std::int64_t integer(const nlohmann::json& value, const std::string& what) {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > largest))
    fail(ErrorKind::data, "{} is {}, expected a whole number", what, value.dump());
  return value.get<std::int64_t>();
}

BestResult best_from_json(const nlohmann::json& json, const std::string& name) {
  return {integer(json.at("epoch"), name + ": best.epoch"), integer(json.at("step"), name + ": best.step"),
          json.at("score"), json.at("top1"), json.at("top5")};
}

std::map<std::string, std::uint64_t> log_sizes_from_json(const nlohmann::json& json,
                                                         const std::string& name) {
  std::map<std::string, std::uint64_t> sizes;
  for (const auto& [file, size] : json.items()) {
    if (!size.is_number_unsigned()) fail(ErrorKind::data, "{}: log_sizes: a size of {}", name, size.dump());
    sizes[file] = size.get<std::uint64_t>();
  }
  return sizes;
}

// What is not known is null.
TrainTotals totals_from_json(const nlohmann::json& json) {
  std::vector<double> values;
  for (const nlohmann::json& each : json)
    values.push_back(each.is_null() ? std::numeric_limits<double>::quiet_NaN() : each.get<double>());
  return TrainTotals::from_values(values);
}

TrainingState state_from_json(const nlohmann::json& json, const std::string& name) {
  TrainingState state;
  state.step = integer(json.at("step"), name + ": step");
  state.bad_run = integer(json.at("bad_run"), name + ": bad_run");
  if (state.step < 0 || state.bad_run < 0)
    fail(ErrorKind::data, "{}: step {} and {} bad steps; neither can be negative", name, state.step,
         state.bad_run);
  json.at("evaluation_due").get_to(state.evaluation_due);
  state.log_totals = totals_from_json(json.at("log_totals"));
  state.epoch_totals = totals_from_json(json.at("epoch_totals"));
  json.at("train_seconds").get_to(state.train_seconds);
  state.best = best_from_json(json.at("best"), name);
  if (json.contains("evaluations_since_best"))
    state.evaluations_since_best =
        integer(json.at("evaluations_since_best"), name + ": evaluations_since_best");
  state.log_sizes = log_sizes_from_json(json.at("log_sizes"), name);
  json.at("normalization").at("mean").get_to(state.normalization.mean);
  json.at("normalization").at("std").get_to(state.normalization.std);
  // Earlier versions, and some imported weights, do not say it.
  if (json.contains("preparation")) state.preparation = read_preparation(json.at("preparation"), name);
  json.at("classes").get_to(state.classes);
  json.at("data_fingerprint").get_to(state.data_fingerprint);
  json.at("config").get_to(state.config);
  return state;
}

// A name that leads out of the folder is none.
bool names_a_part(const std::string& file) {
  const std::string ending = ".safetensors";
  return file.size() > ending.size() && file.ends_with(ending) &&
         std::all_of(file.begin(), file.end() - static_cast<std::ptrdiff_t>(ending.size()),
                     [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

PartHashes hashes_from_json(const nlohmann::json& json, const std::string& name) {
  PartHashes hashes = json.at("hashes");
  for (const auto& [file, hash] : hashes)
    if (!names_a_part(file))
      fail(ErrorKind::data, "{}: a hash of '{}', which is no file of a checkpoint", name, file);
  return hashes;
}

}  // namespace

TrainTotals& TrainTotals::operator+=(const TrainTotals& other) {
  loss += other.loss;
  right += other.right;
  images += other.images;
  bad += other.bad;
  grad_norm += other.grad_norm;
  seconds += other.seconds;
  wait += other.wait;
  skipped += other.skipped;
  return *this;
}

TrainTotals TrainTotals::from_values(const std::vector<double>& v) {
  // Of no steps all sums are known.
  const double unknown =
      v.size() == 4 && v[2] == 0 && v[3] == 0 ? 0 : std::numeric_limits<double>::quiet_NaN();
  if (v.size() == 4) return {v[0], v[1], v[2], v[3], unknown, unknown, unknown, 0};
  if (v.size() != 7 && v.size() != 8)
    fail(ErrorKind::data, "state.json: {} running sums, expected 8", v.size());
  return {v[0], v[1], v[2], v[3], v[4], v[5], v[6], v.size() == 8 ? v[7] : 0};
}

std::string state_text(const TrainingState& state, const PartHashes& hashes) {
  Json json{{"version", state_version},
            {"step", state.step},
            {"evaluation_due", state.evaluation_due},
            {"log_totals", state.log_totals.values()},
            {"epoch_totals", state.epoch_totals.values()},
            {"bad_run", state.bad_run},
            {"train_seconds", state.train_seconds},
            {"best", to_json(state.best)},
            {"evaluations_since_best", state.evaluations_since_best},
            {"log_sizes", state.log_sizes},
            {"normalization", {{"mean", state.normalization.mean}, {"std", state.normalization.std}}},
            {"classes", state.classes},
            {"data_fingerprint", state.data_fingerprint},
            {"config", state.config},
            {"hashes", hashes}};
  if (state.preparation.size > 0) json["preparation"] = preparation_json(state.preparation);
  return json_text(json, 1) + "\n";
}

StateFile parse_state(const std::string& text, const std::string& name) {
  const nlohmann::json json = parse_json(text, name, max_state_depth);
  try {
    if (json.at("version") != state_version)
      fail(ErrorKind::data, "{}: version {}, this program reads {}", name, json.at("version").dump(),
           state_version);
    return {state_from_json(json, name), hashes_from_json(json, name)};
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::data, "{}: {}", name, error.what());
  }
}

}  // namespace smlp
