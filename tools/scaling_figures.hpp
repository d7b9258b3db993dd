#pragma once
#include <filesystem>
#include <vector>

#include "smlp/scaling/study.hpp"

namespace smlp {

// Figures of a study, made by gnuplot from a script and CSV files beside them (points.csv and frontier.csv
// are there already): error.gp, with error_curve.csv; sizes.gp; parameters.gp and images.gp, E(P) and E(N) by
// the joint law; epochs.gp, a frontier for each number of epochs, with epochs.csv. Those that the study has
// no law for are not there. Without gnuplot a line says how to draw them. Error(failed).
void write_study_figures(const std::filesystem::path& folder, const Study& study,
                         const std::vector<ScalingPoint>& points);

// transfer.csv and transfer.gp: the error of each point over the one that its training had itself
// (`upstream`, NaN: not known).
void write_transfer(const std::filesystem::path& folder, const std::vector<ScalingPoint>& points,
                    const std::vector<double>& upstream);

}  // namespace smlp
