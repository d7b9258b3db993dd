#pragma once
#include <torch/types.h>

#include "smlp/data/dataset.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {

// How much of a device's memory a data set, as packed, is to take, in bytes: all images, or none (0), as
// data.resident says. `automatic` keeps a set of which at least twice as many images are wanted as it has,
// that takes no more than a quarter of the device's memory, and no more than what `others` bytes leave.
double resident_bytes(DataConfig::Resident resident, const Dataset& dataset, double wanted_images,
                      double device_memory, double others);

// On a device that renders; 0 elsewhere.
double resident_bytes(DataConfig::Resident resident, const Dataset& dataset, double wanted_images,
                      torch::Device device, double others);

}  // namespace smlp
