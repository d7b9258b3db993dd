#include "smlp/train/resident_images.hpp"

#include <algorithm>

#include "smlp/batches/device_renderer.hpp"
#include "smlp/device/capability.hpp"

namespace smlp {

double resident_bytes(DataConfig::Resident resident, const Dataset& dataset, double wanted_images,
                      double device_memory, double others) {
  const double images = static_cast<double>(dataset.size()), side = dataset.image_size();
  const double bytes = images * 3 * side * side;
  const bool kept = resident == DataConfig::Resident::on ||
                    (resident == DataConfig::Resident::automatic && wanted_images >= 2 * images &&
                     bytes <= std::min(device_memory / 4, device_memory - others));
  return kept ? bytes : 0;
}

double resident_bytes(DataConfig::Resident resident, const Dataset& dataset, double wanted_images,
                      torch::Device device, double others) {
  if (!renders_on(device, dataset.image_size())) return 0;
  return resident_bytes(resident, dataset, wanted_images,
                        static_cast<double>(cuda_driver().devices.front().memory), others);
}

}  // namespace smlp
