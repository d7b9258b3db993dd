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

// fit.json, points.csv, frontier.csv, error_curve.csv, and of what could be fitted the figures' scripts for
// gnuplot (error.gp, sizes.gp) with their SVG and PNG where gnuplot is; without it a line says how to draw
// them. Error(failed).
void write_study(const std::filesystem::path& folder, const Study& study, const StudyOptions& options);

// transfer.csv and transfer.gp, into such a folder: the error of each point over the one that its training
// had itself (`upstream`, NaN: not known).
void write_transfer(const std::filesystem::path& folder, const std::vector<ScalingPoint>& points,
                    const std::vector<double>& upstream);

}  // namespace smlp
