#include "eval_output.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <ostream>

#include "csv.hpp"
#include "given_images.hpp"
#include "replaceable.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/core/text_output.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/formats/npy.hpp"
#include "table.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t flush_bytes = 1 << 20;

std::string class_name(const SavedModel& saved, const Dataset& dataset, std::int64_t label) {
  const auto i = static_cast<std::size_t>(label);
  const std::vector<std::string>& own = saved.state.classes;
  return i < dataset.info().classes.size() ? dataset.info().classes[i]
         : i < own.size()                  ? own[i]
                                           : std::to_string(label);
}

std::vector<std::string> accuracy_row(const std::string& name, const EvaluationResult& r) {
  std::vector<std::string> row{name, fmt::format("{:.2f}", r.top1)};
  if (r.has_top5()) row.push_back(fmt::format("{:.2f}", r.top5));
  if (r.real) row.push_back(fmt::format("{:.2f}", *r.real));
  return row;
}

std::string crops_table(const EvalReport& report) {
  std::vector<std::vector<std::string>> rows{{"crops", "top1"}};
  if (report.whole.has_top5()) rows[0].push_back("top5");
  if (report.whole.real) rows[0].push_back("real");
  rows.push_back(accuracy_row("none", report.whole));
  for (const TtaResult& each : report.crops)
    rows.push_back(accuracy_row(std::to_string(each.crops), each.result));
  return format_table(rows);
}

std::string shifts_table(const std::vector<ShiftResult>& shifts) {
  std::vector<std::vector<std::string>> rows{
      {"shift", "padded: agreement", "top1", "cropped: agreement", "top1"}};
  for (const ShiftResult& each : shifts) {
    rows.push_back({std::to_string(each.pixels)});
    for (const Stability& kind : {each.padded, each.cropped})
      for (const double percent : {kind.agreement, kind.top1})
        rows.back().push_back(fmt::format("{:.2f}", percent));
  }
  return format_table(rows);
}

std::string class_table(const EvaluationResult& r, const Dataset& dataset) {
  constexpr std::size_t shown = 20;
  std::vector<std::size_t> order(r.class_top1.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const bool all = order.size() <= shown;
  if (!all) {
    std::erase_if(order, [&](std::size_t c) { return std::isnan(r.class_top1[c]); });
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return r.class_top1[a] < r.class_top1[b]; });
    order.resize(std::min(order.size(), shown));
  }
  std::vector<std::vector<std::string>> rows{
      {all ? "class" : fmt::format("{} weakest classes", order.size()), "top1"}};
  for (const std::size_t c : order)
    rows.push_back({printable(dataset.info().classes[c]), fmt::format("{:.2f}", r.class_top1[c])});
  return format_table(rows);
}

Json rounded(double value, int digits = 4) {
  return Json::parse(fmt::format("{:.{}f}", value, digits));
}

Json accuracy_json(const EvaluationResult& r, const std::string& prefix = "") {
  Json json{{prefix + "top1", rounded(r.top1)}, {prefix + "top1_err", rounded(100 - r.top1)}};
  if (r.has_top5())
    json[prefix + "top5"] = rounded(r.top5), json[prefix + "top5_err"] = rounded(100 - r.top5);
  if (r.real) json[prefix + "real"] = rounded(*r.real);
  return json;
}

// Names begin with `prefix`.
std::string accuracy_text(const EvaluationResult& r, const std::string& prefix = "") {
  const auto line = [&](const char* name, const std::string& value) {
    return fmt::format("{:<12}{}\n", prefix + name, value);
  };
  std::string text = line("top1", fmt::format("{:.2f} %", r.top1));
  if (r.has_top5()) text += line("top5", fmt::format("{:.2f} %", r.top5));
  if (r.real) text += line("real", fmt::format("{:.2f} %", *r.real));
  return text + line("loss", fmt::format("{:.4f}", r.loss));
}

std::string crop_text(const TtaOptions& tta) {
  const auto& crop = tta.augment.crop;
  return fmt::format("crops       {}, flips {:g}, seed {}, {} averaged",
                     crop ? fmt::format("scale {:.3g} to {:.3g}, ratio {:.3g} to {:.3g}", crop->scale[0],
                                        crop->scale[1], crop->ratio[0], crop->ratio[1])
                          : "whole images",
                     tta.augment.flip, tta.seed, tta.average_softmax ? "softmax" : "logits");
}

Json stability_json(const Stability& stability) {
  return {{"agreement", rounded(stability.agreement)}, {"top1", rounded(stability.top1)}};
}

Json crops_json(const TtaOptions& tta) {
  const auto& crop = tta.augment.crop;
  return {{"crop", crop ? Json{{"scale", crop->scale}, {"ratio", crop->ratio}} : Json()},
          {"flip", tta.augment.flip},
          {"seed", tta.seed},
          {"average", tta.average_softmax ? "softmax" : "logits"}};
}

}  // namespace

void print_text(std::ostream& out, const EvalReport& report, const SavedModel& saved,
                const Dataset& dataset) {
  out << fmt::format("checkpoint  {} (step {})\ndata        {}: {} images\nprecision   {}\n",
                     saved.checkpoint.string(), saved.state.step, dataset.description(), report.whole.images,
                     report.precision);
  out << accuracy_text(report.whole);
  if (!report.crops.empty())
    out << crop_text(report.tta) << "\n"
        << accuracy_text(report.crops.back().result, "tta_") << crops_table(report);
  if (!report.shifts.empty()) out << shifts_table(report.shifts);
  out << class_table(report.whole, dataset);
}

void print_json(std::ostream& out, const EvalReport& report, const SavedModel& saved,
                const Dataset& dataset) {
  const EvaluationResult& r = report.whole;
  Json classes = Json::array();
  for (std::size_t c = 0; c < r.class_top1.size(); ++c)
    classes.push_back({{"name", dataset.info().classes[c]},
                       {"top1", std::isnan(r.class_top1[c]) ? Json() : rounded(r.class_top1[c])}});
  Json json{{"checkpoint", saved.checkpoint.string()},
            {"step", saved.state.step},
            {"model", saved.config.model.name},
            {"data", dataset.description()},
            {"images", r.images},
            {"precision", report.precision}};
  json.update(accuracy_json(r));
  json["loss"] = r.loss;
  json["param_count"] = rounded(static_cast<double>(total(saved.costs()).parameters) / 1e6, 2);
  json["img_size"] = saved.config.data.image_size;
  json["crop_pct"] = 1.0;
  json["interpolation"] = "bilinear";
  if (!report.crops.empty()) {
    const EvaluationResult& all = report.crops.back().result;
    json.update(accuracy_json(all, "tta_"));
    json["tta_loss"] = all.loss;
    json["crops"] = crops_json(report.tta);
    for (const TtaResult& each : report.crops) {
      json["tta"].push_back(accuracy_json(each.result));
      json["tta"].back()["crops"] = each.crops;
    }
  }
  for (const ShiftResult& each : report.shifts)
    json["shifts"].push_back({{"pixels", each.pixels},
                              {"padded", stability_json(each.padded)},
                              {"cropped", stability_json(each.cropped)}});
  json["classes"] = classes;
  out << json_text(json, 2) << "\n";
}

void write_logits(const std::string& path, const std::vector<float>& logits, std::int64_t classes) {
  NpyWriter writer(path, "<f4", {classes});
  writer.append(logits.data(), std::ssize(logits) / classes);
  writer.commit();
}

void write_predictions(const std::string& path, const Predictions& predictions, const Dataset& dataset,
                       const SavedModel& saved) {
  const std::vector<std::string> names = image_names(dataset);
  const std::size_t k = predictions.per_image;
  TextOutput file(path);
  std::string text = predictions_start;
  for (std::size_t j = 1; j <= k; ++j) text += fmt::format(",top{},probability{}", j, j);
  text += "\n";
  for (std::int64_t i = 0; i < dataset.size(); ++i) {
    text += csv(names[static_cast<std::size_t>(i)]) + ',' + csv(class_name(saved, dataset, dataset.label(i)));
    for (std::size_t j = static_cast<std::size_t>(i) * k; j < static_cast<std::size_t>(i + 1) * k; ++j)
      text += fmt::format(",{},{:.6g}", csv(class_name(saved, dataset, predictions.classes[j])),
                          predictions.probabilities[j]);
    text += "\n";
    if (text.size() < flush_bytes) continue;
    file.write(text);
    text.clear();
  }
  file.write(text);
  file.commit();
}

void write_confusion(const std::string& path, const Predictions& predictions, const Dataset& dataset,
                     const SavedModel& saved) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> counts;
  for (std::int64_t i = 0; i < dataset.size(); ++i)
    ++counts[{dataset.label(i), predictions.classes[static_cast<std::size_t>(i) * predictions.per_image]}];
  std::string text = confusion_start;
  for (const auto& [pair, count] : counts)
    text += fmt::format("{},{},{}\n", csv(class_name(saved, dataset, pair.first)),
                        csv(class_name(saved, dataset, pair.second)), count);
  TextOutput file(path);
  file.write(text);
  file.commit();
}

}  // namespace smlp
