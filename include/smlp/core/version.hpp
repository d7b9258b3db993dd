#pragma once

namespace smlp {

const char* version();  // "0.1.0"
const char*
git_revision();  // of the sources built from: "1a2b3c4d5e6f", with "-dirty" when changed; "" if not known

}  // namespace smlp
