#pragma once
#include <string>

#include "smlp/formats/image.hpp"

namespace smlp {

// Brings an image to size × size pixels: "squash" resizes the whole to a square, "crop" scales the short side
// and cuts the centre, as torchvision's Resize(size) and CenterCrop(size) do, in their rounding. With a
// crop_pct below 1 either is first resized to size / crop_pct, whose centre is cut, as timm does. An image
// too long and narrow to crop: Error(data) naming `name`.
Image fit_image(Image image, int size, const std::string& resize, const std::string& name,
                double crop_pct = 1);

}  // namespace smlp
