#pragma once
#include <optional>
#include <span>
#include <string>

#include "smlp/models/model.hpp"

namespace smlp {

// Every model family, in the order of listings.
std::span<const FamilyRow<ModelConfig>> model_table();

// What a published or short name says: "B-12/Wi-1024", "B_12-Wi_1024_res_64_in21k",
// "B-12_Wi-1024_res_64_imagenet21_epochs_800", "B-12/1024", and the same with S (case ignored).
struct ModelName {
  std::string family;  // "b_mlp" or "s_mlp"
  int depth = 0;
  int width = 0;
  std::optional<int> image_size;  // "res_64"
};
std::optional<ModelName> parse_model_name(const std::string& name);

}  // namespace smlp
