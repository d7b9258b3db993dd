#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "smlp/optim/optimizer.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {

// One linear layer of a model of one width, after some steps.
struct LayerCoordinates {
  std::string parametrization;  // "mup" or "standard"
  std::int64_t width = 0, step = 0;
  std::string layer;      // "blocks.0.block.0"
  double activation = 0;  // mean |output| over one batch's images and the layer's outputs
  double change = 0;      // mean |output − the same before the first step|
  double weight = 0;      // spectral norm of the weights, over that before the first step
};

// How a layer's values after the last step grow with the width: slopes of their logarithms, fitted by least
// squares. 0 is level, 1 is proportional to the width.
struct WidthSlopes {
  std::string parametrization, layer;
  double activation = 0, change = 0, weight = 0;
};

struct CoordinateOptions {
  std::vector<std::int64_t> widths;  // at least two; the least is µP's base
  std::int64_t steps = 10;
  std::vector<std::string> parametrizations{"mup", "standard"};
  std::function<void(Parameter&)> alter;  // a parameter's rates before its optimiser is made; may be empty
};

// The coordinate check of "Tensor Programs V" (arXiv 2203.03466, appendix D.1): the configuration's training
// at each width, whatever its own, for some steps at its full rate. Under µP the changes of all layers are
// level, and so are the weights' norms, also where decay has had its time; under the standard parametrisation
// the changes grow with the width. Of models that have a parametrisation and are made of linear layers:
// Error(usage) otherwise. Rows are after 1, 2, 5, 10, … steps and after the last. Interrupted when a stop
// signal came.
std::vector<LayerCoordinates> check_coordinates(const RunConfig& config, const CoordinateOptions& options);

std::vector<WidthSlopes> width_slopes(const std::vector<LayerCoordinates>& rows);

}  // namespace smlp
