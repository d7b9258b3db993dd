#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "smlp/scaling/study_json.hpp"

namespace smlp {

std::string study_text(const Study& study);
std::string plan_text(const Plan& plan, double compute);

// Something that is no earlier fit: Error(usage).
void check_study_folder(const std::filesystem::path& folder);

// fit.json, points.csv, frontier.csv and the figures of scaling_figures.hpp. Error(failed).
void write_study(const std::filesystem::path& folder, const Study& study, const StudyOptions& options);

}  // namespace smlp
