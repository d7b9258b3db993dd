#pragma once
#include <filesystem>
#include <string>

namespace smlp {

// Gnuplot's script for one figure of files with commas, which writes NAME.svg and NAME.png. Both axes are
// logarithmic.
std::string figure_script(const std::string& name, const std::string& body);

// Writes NAME.gp into the folder and draws it; without gnuplot a line says how. Error(failed).
void write_figure(const std::filesystem::path& folder, const std::string& name, const std::string& body);

}  // namespace smlp
