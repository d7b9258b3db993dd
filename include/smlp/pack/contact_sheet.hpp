#pragma once
#include "smlp/data/dataset.hpp"
#include "smlp/formats/image.hpp"

namespace smlp {

inline constexpr int sheet_classes = 20;     // at most, evenly chosen from the list when there are more
inline constexpr int sheet_columns = 10;     // side by side
inline constexpr int sheet_images = 8;       // of each class, at most, evenly chosen from all of it
inline constexpr int sheet_image_size = 96;  // pixels a side that an image is shown with, at most

// A picture of a data set: columns of images under their class's name, which is cut where it is too wide.
// Small images are enlarged by a whole factor, their pixels repeated; those above sheet_image_size are
// resized to it. Images without classes stand in columns without names. A function of the data set alone.
Image contact_sheet(const Dataset& set);

}  // namespace smlp
