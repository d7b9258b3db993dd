#include "smlp/pack/sources/source_options.hpp"

namespace smlp {

bool SourceOption::is_given(const SourceOptions& options) const {
  return std::visit([&](auto each) { return options.*each != SourceOptions{}.*each; }, member);
}

}  // namespace smlp
