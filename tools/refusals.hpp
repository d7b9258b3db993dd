#pragma once
#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <vector>

namespace smlp {

// What to say of a first word that is no command, with the nearest by meaning or spelling.
std::string unknown_command(const std::string& word, std::span<const std::string> commands);

// What to say of a command line that CLI11 refuses: the unknown option with what was meant, and whose --help
// to see.
std::string refusal(const CLI::App& app, const CLI::ParseError& error);

// `--set a=1 b=2` as `--set a=1 --set b=2`: every KEY=VALUE that follows belongs to it.
std::vector<std::string> spread_assignments(const std::vector<std::string>& words);

}  // namespace smlp
