#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "smlp/analysis/benchmarks.hpp"
#include "smlp/core/error.hpp"
#include "smlp/formats/json.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;
constexpr int max_depth = 8;

// Every member of a row once, for writing and reading.
template <class Row, class Visit>
void visit_members(Row& row, const Visit& visit) {
  visit("kind", row.kind);
  visit("model", row.model);
  visit("precision", row.precision);
  visit("processor", row.processor);
  visit("revision", row.revision);
  visit("threads", row.threads);
  visit("batch_size", row.batch_size);
  visit("classes", row.classes);
  visit("image_size", row.image_size);
  visit("parameters", row.parameters);
  visit("macs", row.macs);
  visit("images_per_s", row.images_per_s);
  visit("repeats", row.repeats);
  visit("spread", row.spread);
  visit("batch_seconds", row.batch_seconds);
  visit("of_limit", row.of_limit);
  visit("matrix_flops", row.machine.matrix_flops);
  visit("copy_bytes", row.machine.copy_bytes);
  visit("memory", row.memory);
  visit("device_memory", row.device_memory);
}

auto identity(const BenchRow& r) {
  return std::tie(r.kind, r.model, r.precision, r.threads, r.batch_size, r.classes, r.image_size);
}

std::string verdict(const BenchRow& before, const BenchRow& after, double ratio) {
  if (before.processor != after.processor) return "none: other processors";
  if (std::min(before.repeats, after.repeats) < fewest_repeats)
    return fmt::format("none: fewer than {} repeats", fewest_repeats);
  const double spread = std::max(before.spread, after.spread);
  if (spread > largest_spread) return fmt::format("none: a spread of {:.0f} %", 100 * spread);
  if (std::abs(ratio - 1) <= std::max(before.spread + after.spread, smallest_difference))
    return "no difference";
  return ratio > 1 ? "faster" : "slower";
}

}  // namespace

std::string bench_json(const std::vector<BenchRow>& rows) {
  Json json{{"rows", Json::array()}};
  for (const BenchRow& row : rows) {
    Json& out = json["rows"].emplace_back(Json::object());
    visit_members(row, [&](const char* name, const auto& value) { out[name] = value; });
  }
  return json_text(json, 1) + "\n";
}

std::vector<BenchRow> parse_bench_json(const std::string& text, const std::string& name) {
  const nlohmann::json json = parse_json(text, name, max_depth);
  std::vector<BenchRow> rows;
  try {
    for (const nlohmann::json& each : json.at("rows"))
      visit_members(rows.emplace_back(), [&](const char* key, auto& value) {
        const bool whole = std::is_integral_v<std::remove_reference_t<decltype(value)>>;
        if (whole && !each.at(key).is_number_integer())  // the library converts any number
          fail(ErrorKind::data, "{}: {} is {}, expected a whole number", name, key, each.at(key).dump());
        each.at(key).get_to(value);
      });
    for (const BenchRow& row : rows)
      if (!(row.images_per_s > 0) || !(row.spread >= 0))
        fail(ErrorKind::data, "{}: {} images/s with a spread of {}; no benchmark measures that", name,
             row.images_per_s, row.spread);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::data, "{}: not what `smlp bench --json` prints: {}", name, error.what());
  }
  return rows;
}

std::vector<Comparison> compare_benchmarks(const std::vector<BenchRow>& before,
                                           const std::vector<BenchRow>& after) {
  std::vector<Comparison> pairs;
  for (const BenchRow& a : before)
    for (const BenchRow& b : after)
      if (identity(a) == identity(b)) {
        const double ratio = b.images_per_s / a.images_per_s;
        pairs.push_back({a, b, ratio, verdict(a, b, ratio)});
      }
  if (pairs.empty())
    fail(ErrorKind::data,
         "no row of one file measures what a row of the other does: kind, model, sizes, precision and "
         "threads must be the same");
  return pairs;
}

}  // namespace smlp
