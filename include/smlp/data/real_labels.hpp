#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace smlp {

// Reassessed labels ("Are we done with ImageNet?", Beyer et al. 2020): the set of right labels of each image;
// an empty one leaves the image out of the accuracy.
using RealLabels = std::vector<std::vector<std::int32_t>>;

// Reads real.json, a JSON list of lists of labels: `images` lists, or any number when it is 0, each of labels
// in [0, classes) without doubles. Error(data) naming file and entry.
RealLabels read_real_labels(const std::filesystem::path& file, std::int64_t images, int classes);

std::string real_labels_text(const RealLabels& labels);  // real.json's own form, one image a line

}  // namespace smlp
