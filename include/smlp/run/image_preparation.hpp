#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace smlp {

// What a pack made of image files, and `smlp predict` makes of others; see dataset.json.
struct ImagePreparation {
  int size = 0;         // pixels a side; 0: not known
  std::string resize;   // "none", "squash" or "crop"
  std::string decode;   // "accurate" or "fast"
  double crop_pct = 1;  // in (0, 1]: an image is resized to size / crop_pct, and its middle cut out
};

nlohmann::json preparation_json(const ImagePreparation& preparation);

// Reads it back. The value is not trusted; `name` stands for it in messages: Error(data) for what no pack
// makes, an exception of nlohmann::json for other kinds of values.
ImagePreparation read_preparation(const nlohmann::json& json, const std::string& name);

}  // namespace smlp
