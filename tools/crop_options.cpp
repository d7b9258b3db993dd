#include "crop_options.hpp"

#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"

namespace smlp {

void add_crop_options(CLI::App& app, CropOptions& options, const char* help) {
  app.add_option("--tta", options.crops, help)->check(CLI::Range(1, 100'000))->type_name("N");
  app.add_option("--tta-average", options.average,
                 "what is averaged: logits (the paper's text) or softmax (its code)")
      ->check(CLI::IsMember({"logits", "softmax"}))
      ->capture_default_str();
}

TtaOptions tta_options(const SavedModel& saved, const CropOptions& options, bool augment_given) {
  AugmentConfig augment = saved.config.augment;
  if (!augment.crop && !augment_given) {
    log().warn("the checkpoint names no crops: those of scale 0.4 to 1 and ratio 1, and flips, are taken");
    augment.crop = CropConfig{{0.4, 1.0}, {1.0, 1.0}};
    augment.flip = 0.5;
  }
  if (!augment.crop && augment.flip == 0)
    fail(ErrorKind::usage, "--tta without crops and flips averages {} times the same", options.crops);
  return {.crops = options.crops,
          .augment = augment,
          .average_softmax = options.average == "softmax",
          .seed = static_cast<std::uint64_t>(saved.config.run.seed)};
}

}  // namespace smlp
