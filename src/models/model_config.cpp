#include "smlp/models/model_config.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/data/dataset_info.hpp"

namespace smlp {

CostRow total(const std::vector<CostRow>& rows) {
  CostRow sum{.layer = "total"};
  for (const CostRow& row : rows) {
    sum.parameters += row.parameters;
    sum.macs += row.macs;
    sum.saved_bytes += row.saved_bytes;
    sum.fixed_bytes += row.fixed_bytes;
    sum.passing_bytes = std::max(sum.passing_bytes, row.passing_bytes);
  }
  return sum;
}

void check_model(const ModelConfig& config, int image_size, int classes) {
  constexpr int max_classes = 1 << 24;
  constexpr std::int64_t max_parameters = std::int64_t{1} << 34;
  if (image_size < 1 || image_size > max_image_size)
    fail(ErrorKind::usage, "data.image_size: {}, expected 1 to {}", image_size, max_image_size);
  config.check(image_size);
  if (classes < 2 || classes > max_classes)
    fail(ErrorKind::usage, "a classifier of {} classes, expected 2 to {}", classes, max_classes);
  const std::int64_t parameters = total(config.costs(image_size, classes)).parameters;
  if (parameters > max_parameters)
    fail(ErrorKind::usage, "a model of {} parameters, at most {}; make it smaller ({})", parameters,
         max_parameters, config.sizes());
}

}  // namespace smlp
