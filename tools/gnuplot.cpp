#include "gnuplot.hpp"

#include <spdlog/fmt/fmt.h>

#include <cstdlib>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"

namespace smlp {

std::string figure_script(const std::string& name, const std::string& body) {
  std::string script =
      "set datafile separator ','\nset logscale xy\nset format xy '10^{%L}'\nset grid\n"
      "set key bottom left\n"
      "set palette defined (0 '#440154', 1 '#31688e', 2 '#35b779', 3 '#fde725')\n";
  for (const char* terminal : {"svg size 800,600 font 'sans,14'", "pngcairo size 800,600 font 'sans,12'"})
    script += fmt::format("set terminal {}\nset output '{}.{}'\n{}\n", terminal, name,
                          terminal[0] == 's' ? "svg" : "png", body);
  return script;
}

void check_result_folder(const std::filesystem::path& folder, const std::string& mark) {
  namespace fs = std::filesystem;
  if (folder.empty() || !fs::exists(folder) ||
      (fs::is_directory(folder) && (fs::is_empty(folder) || fs::exists(folder / mark))))
    return;
  fail(ErrorKind::usage, "{}: there is something else: name a folder that is new, empty or has an earlier {}",
       folder.string(), mark);
}

void write_figure(const std::filesystem::path& folder, const std::string& name, const std::string& body) {
  const std::string script = name + ".gp";
  write_file_atomically(folder / script, figure_script(name, body));
  std::string quoted;
  for (const char c : folder.string()) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  const std::string command = fmt::format("cd -- '{}' && gnuplot {} 2> /dev/null", quoted, script);
  if (std::system(command.c_str()) != 0)  // NOLINT(cert-env33-c): its only variable part is quoted
    log().warn("{}: not drawn: is gnuplot there (Debian's gnuplot-nox)? Then: cd {} && gnuplot {}", script,
               folder.string(), script);
}

}  // namespace smlp
