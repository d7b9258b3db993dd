#pragma once
#include <filesystem>
#include <string>

namespace smlp {

// Gnuplot's script for one figure of files with commas, which writes NAME.svg and NAME.png. Both axes are
// logarithmic.
std::string figure_script(const std::string& name, const std::string& body);

// Where `folder` is neither new nor empty, nor one in which a file `mark` shows earlier results:
// Error(usage). "" is none.
void check_result_folder(const std::filesystem::path& folder, const std::string& mark);

// Writes NAME.gp into the folder and draws it; without gnuplot a line says how. Error(failed).
void write_figure(const std::filesystem::path& folder, const std::string& name, const std::string& body);

}  // namespace smlp
