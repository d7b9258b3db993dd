#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "smlp/data/dataset_info.hpp"

namespace smlp {

inline constexpr std::uint64_t max_dataset_json_bytes = std::uint64_t{64} << 20;

// dataset.json, format version 1: an object with format, version, source, family, resize, decode,
// image_size, images, classes, bad_images, mean, std, block_bytes, xxh3_64, labels_xxh3_64 (which packs of
// earlier versions lack). Error(data) when it would be longer than is read back.
std::string dataset_json_text(const DatasetInfo& info);

// Reads it back. The text is not trusted: every member is checked for type, range and length, classes for
// duplicates, nesting is limited. Error(data) naming `name` and the member.
DatasetInfo parse_dataset_json(std::string_view text, std::string_view name);

}  // namespace smlp
