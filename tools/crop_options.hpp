#pragma once
#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "smlp/train/saved_model.hpp"
#include "smlp/train/tta.hpp"

namespace smlp {

// --tta and --tta-average of the commands that apply a model.
struct CropOptions {
  std::int64_t crops = 0;  // 0: whole images
  std::string average = "logits";
};
void add_crop_options(CLI::App& app, CropOptions& options, const char* help);

// The crops and flips of the run, or those of the published fine-tuning where it has none and none were
// given.
TtaOptions tta_options(const SavedModel& saved, const CropOptions& options, bool augment_given);

}  // namespace smlp
