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

void ModelConfig::common_fields(FieldVisitor& v) {
  v.field("init_from", init_from, "run or checkpoint whose weights a new run starts with");
  v.field("new_head", new_head, "a new head also where the checkpoint has the same classes");
  v.choice("head_init", head_init, {{"uniform", HeadInit::uniform}, {"zero", HeadInit::zero}},
           "a new head's weights: as torch.nn.Linear draws them, or zeros");
}

}  // namespace smlp
