#include "smlp/run/image_preparation.hpp"

#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"
#include "smlp/data/dataset_info.hpp"
#include "smlp/formats/json.hpp"

namespace smlp {

nlohmann::json preparation_json(const ImagePreparation& preparation) {
  nlohmann::json json{
      {"size", preparation.size}, {"resize", preparation.resize}, {"decode", preparation.decode}};
  if (preparation.crop_pct != 1) json["crop_pct"] = preparation.crop_pct;
  return json;
}

ImagePreparation read_preparation(const nlohmann::json& json, const std::string& name) {
  const auto size = json.at("size").get<double>();
  ImagePreparation found{0, json.at("resize"), json.at("decode"), json.value("crop_pct", 1.0)};
  const bool known = (found.resize == "none" || found.resize == "squash" || found.resize == "crop") &&
                     (found.decode == "accurate" || found.decode == "fast") && found.crop_pct >= 0.1 &&
                     found.crop_pct <= 1;
  if (!json.at("size").is_number_integer() || !(size >= 1 && size <= max_image_size) || !known)
    fail(ErrorKind::data, "{}: preparation of images is {}, which is none that `smlp pack` makes", name,
         json_text(json));
  found.size = static_cast<int>(size);
  return found;
}

}  // namespace smlp
