#pragma once
#include <initializer_list>
#include <string>

namespace smlp {

// The examples at the end of a command's help, a line each, of which `note` says more. Every one of them is
// run by a test: data/NAME is there as a packed data set, runs/NAME as a run.
inline std::string examples(std::initializer_list<const char*> lines, const std::string& note = "") {
  std::string text = "Examples:";
  for (const char* line : lines) text += std::string("\n  ") + line;
  return note.empty() ? text : text + "\n\n" + note;
}

}  // namespace smlp
