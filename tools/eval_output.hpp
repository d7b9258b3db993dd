#pragma once
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "smlp/data/dataset.hpp"
#include "smlp/train/saved_model.hpp"
#include "smlp/train/shifts.hpp"
#include "smlp/train/tta.hpp"

namespace smlp {

// What `smlp eval` found: over whole images, and with --tta for growing numbers of crops.
struct EvalReport {
  std::string precision;  // "fp32", …
  EvaluationResult whole{};
  TtaOptions tta{};  // of the crops
  std::vector<TtaResult> crops{};
  std::vector<ShiftResult> shifts{};  // with --shifts, from 0 pixels

  // What per-image files are of: all crops' average, or the whole images.
  const EvaluationResult& outputs() const { return crops.empty() ? whole : crops.back().result; }
};

void print_text(std::ostream& out, const EvalReport& report, const SavedModel& saved, const Dataset& dataset);

// The keys of timm's validate.py, in its units (param_count in millions), and real. All are of whole images;
// those of all crops together begin with tta_, and tta has a row for each number of crops, shifts one for
// each number of pixels.
void print_json(std::ostream& out, const EvalReport& report, const SavedModel& saved, const Dataset& dataset);

// [images, classes]
void write_logits(const std::string& path, const std::vector<float>& logits, std::int64_t classes);

// A line an image: name, label, and the likeliest classes with their probabilities.
void write_predictions(const std::string& path, const Predictions& predictions, const Dataset& dataset,
                       const SavedModel& saved);

// A line for each pair that occurs: label, predicted, count.
void write_confusion(const std::string& path, const Predictions& predictions, const Dataset& dataset,
                     const SavedModel& saved);

}  // namespace smlp
