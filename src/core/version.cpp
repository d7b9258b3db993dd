#include "smlp/core/version.hpp"

#include "revision.hpp"

namespace smlp {

const char* version() {
  return SMLP_VERSION;
}
const char* git_revision() {
  return SMLP_REVISION;
}

}  // namespace smlp
