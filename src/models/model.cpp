#include "smlp/models/model.hpp"

namespace smlp {

CostRow total(const std::vector<CostRow>& rows) {
  CostRow sum{.layer = "total"};
  for (const CostRow& row : rows) {
    sum.parameters += row.parameters;
    sum.macs += row.macs;
    sum.saved_bytes += row.saved_bytes;
  }
  return sum;
}

}  // namespace smlp
