#pragma once
#include <filesystem>
#include <string>

#include "smlp/config/tree.hpp"

namespace smlp {

struct Experiment;  // train/experiment.hpp

// What a run that starts from weights (find_weights()) takes over from them: the model's keys, the image
// size, data.permute_pixels, and init.from naming them. A layer for load_run_config().
ConfigNode transfer_layer(const std::filesystem::path& path, bool best);

// The same of weights that may not be there yet: of those that a run of this configuration (YAML, for
// messages from `source`) will have at `weights`.
ConfigNode transfer_layer(const std::string& config, const std::filesystem::path& weights,
                          const std::string& source);

// Loads the weights that init.from names, if any. The head is kept when the checkpoint has the same
// class list, or as many classes without names, and init.new_head is false; else it stays new, as
// init.head says. What was done, as a line of the run's header; "" without init_from. Other shapes:
// Error(data) naming the tensors, or Error(usage) where data.image_size is why.
std::string load_initial_weights(Experiment& experiment);

}  // namespace smlp
