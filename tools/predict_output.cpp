#include "predict_output.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "csv.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/json.hpp"

namespace smlp {

using Json = nlohmann::ordered_json;

namespace {

Json rounded(float value) {
  return std::isfinite(value) ? Json::parse(fmt::format("{:.6g}", value)) : Json();
}

}  // namespace

PredictOutput::PredictOutput(std::ostream& out, PredictFormat format, std::vector<std::string> classes,
                             std::size_t top)
    : out_(out), format_(format), classes_(std::move(classes)), top_(std::min(top, classes_.size())) {
  if (format_ != PredictFormat::csv) return;
  out_ << "name";
  for (std::size_t k = 1; k <= top_; ++k) out_ << fmt::format(",top{},probability{}", k, k);
  out_ << "\n";
}

std::string PredictOutput::class_name(std::int64_t label) const {
  const std::string& name = classes_[static_cast<std::size_t>(label)];
  return name.empty() ? std::to_string(label) : name;
}

std::string PredictOutput::line(const std::string& name, const std::string& error,
                                const Predictions& predictions, std::size_t begin) const {
  const bool text = format_ == PredictFormat::text, there = error.empty();
  std::string line = text ? printable(name) + " " : csv(name);
  Json top = Json::array();
  for (std::size_t k = begin; k < begin + top_; ++k) {
    const std::int64_t label = predictions.classes[k];
    const float probability = predictions.probabilities[k];
    if (text)
      line += fmt::format("{} {} {:.2f} %", k == begin ? "" : ",", printable(class_name(label)),
                          100 * probability);
    else
      line += there ? fmt::format(",{},{:.6g}", csv(class_name(label)), probability) : ",,";
    top.push_back({{"class", class_name(label)}, {"label", label}, {"probability", rounded(probability)}});
  }
  if (format_ != PredictFormat::json) return text && !there ? "" : line + "\n";
  Json json{{"name", name}};
  there ? json["top"] = top : json["error"] = error;
  return json_text(json) + "\n";
}

void PredictOutput::print(const PredictedBatch& batch, const GivenImages& images) {
  for (std::size_t i = 0; i < batch.errors.size(); ++i)
    out_ << line(images.name(batch.first + static_cast<std::int64_t>(i)), batch.errors[i], batch.predictions,
                 i * top_);
  out_ << std::flush;
}

}  // namespace smlp
