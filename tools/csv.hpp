#pragma once
#include <string>

namespace smlp {

std::string csv(const std::string& text);  // a field as RFC 4180 has it: quoted when it has to be

}  // namespace smlp
