#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace smlp {

inline constexpr int imagenet_classes = 1000;
inline constexpr std::int64_t validation_images = 50'000;  // numbered from 1 in their files' names

bool is_wnid(std::string_view word);  // n and eight digits

// The wnid of every validation image, by its number.
struct ValidationLabels {
  std::vector<std::string> classes;           // in bytewise order
  std::map<std::int64_t, std::string> wnids;  // by the image's number
};

// From one of
// - the development kit, ILSVRC2012_devkit_t12.tar.gz or its folder: ILSVRC2012_validation_ground_truth.txt
//   holds ILSVRC2012_IDs, which number the classes otherwise than their sorted wnids do; meta.mat translates;
// - a text file with one wnid a line, in the order of the images' numbers;
// - a text file with an image's name and its wnid on each line, between blanks or commas (the competition's
//   LOC_val_solution.csv is one).
// Bare numbers are refused, for they don't say what they count. Error(data) naming file, line and reason.
ValidationLabels read_validation_labels(const std::filesystem::path& path);

// 7 for ".../ILSVRC2012_val_00000007.JPEG", 0 for any other name.
std::int64_t validation_number(std::string_view name);

}  // namespace smlp
