#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "smlp/scaling/study.hpp"

namespace smlp {

// Every number of a study with all its digits, the refits included.
std::string study_json(const Study& study, const StudyOptions& options);

// What `smlp scaling plan` needs of such a file. Not a study's JSON: Error(data) naming `file`.
struct FittedScaling {
  FittedLaw error, parameters, macs;
  std::array<double, 2> compute{};  // the frontier's least and most
};
FittedScaling parse_study(std::string_view text, const std::string& file);

// What to train with so much compute: the laws' values, with 95 % intervals from their refits.
struct Plan {
  Estimate parameters, images_seen, error;  // images · epochs
  double beyond = 1;  // the compute over the frontier's most, or the frontier's least over it; at least 1
};
// So little, or so much, that the best model would have less than one parameter or beyond 10^18, or see so
// many images: Error(usage).
Plan plan_training(const FittedScaling& laws, double compute);

}  // namespace smlp
