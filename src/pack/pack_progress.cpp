#include "smlp/pack/pack_progress.hpp"

#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"
#include "smlp/data/block_hash.hpp"
#include "smlp/data/split_names.hpp"
#include "smlp/formats/json.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;

constexpr int max_depth = 8;

Json to_json(const SplitProgress& split) {
  return {{"images", split.images},
          {"names_bytes", split.names_bytes},
          {"xxh3_64", split.block_hashes},
          {"sums", split.sums},
          {"squares", split.squares}};
}

SplitProgress split_progress(const nlohmann::json& json) {
  SplitProgress split;
  json.at("images").get_to(split.images);
  json.at("names_bytes").get_to(split.names_bytes);
  json.at("xxh3_64").get_to(split.block_hashes);
  json.at("sums").get_to(split.sums);
  json.at("squares").get_to(split.squares);
  return split;
}

void check(const PackProgress& progress, std::string_view name) {
  const auto refuse = [&](const std::string& split) {
    fail(ErrorKind::data, "{}: what it says of split \"{}\" cannot be; remove the folder and pack again",
         name, split);
  };
  if (progress.image_size < 0 || progress.image_size > max_image_size) refuse("all");
  const auto bytes = std::uint64_t{3} * static_cast<std::uint64_t>(progress.image_size) *
                     static_cast<std::uint64_t>(progress.image_size);
  for (const auto& [split, done] : progress.splits) {
    if (split.empty() || packed_split(split_of_word(split)) != split) refuse(split);
    if (done.images < 0 || done.images > std::int64_t{1} << 36 || bytes == 0 ||
        // A complete split has the hash of its last, shorter block too.
        (!progress.complete &&
         done.block_hashes.size() != static_cast<std::uint64_t>(done.images) * bytes / pack_block_bytes))
      refuse(split);
  }
  for (const auto& [split, left_out] : progress.left_out)
    for (std::size_t i = 0; i < left_out.size(); ++i)
      if (left_out[i].index < 0 || (i > 0 && left_out[i].index <= left_out[i - 1].index)) refuse(split);
}

}  // namespace

std::string pack_progress_text(const PackProgress& progress) {
  Json splits = Json::object(), left_out = Json::object();
  for (const auto& [name, split] : progress.splits) splits[name] = to_json(split);
  for (const auto& [name, list] : progress.left_out)
    for (const LeftOut& each : list)
      left_out[name].push_back({each.index, each.image.name, each.image.reason});
  const Json json{{"job", progress.job},
                  {"image_size", progress.image_size},
                  {"resized", progress.resized},
                  {"complete", progress.complete},
                  {"splits", splits},
                  {"left_out", left_out},
                  {"source_hashes", progress.source_hashes}};
  return json_text(json, 1) + "\n";
}

PackProgress parse_pack_progress(std::string_view text, std::string_view name) {
  PackProgress progress;
  const nlohmann::json json = parse_json(text, name, max_depth);
  try {
    json.at("job").get_to(progress.job);
    json.at("image_size").get_to(progress.image_size);
    json.at("resized").get_to(progress.resized);
    json.at("complete").get_to(progress.complete);
    for (const auto& [split, value] : json.at("splits").items())
      progress.splits[split] = split_progress(value);
    for (const auto& [split, list] : json.at("left_out").items())
      for (const nlohmann::json& each : list)
        progress.left_out[split].push_back(
            {each.at(0).get<std::int64_t>(), {each.at(1).get<std::string>(), each.at(2).get<std::string>()}});
    if (json.contains("source_hashes")) json.at("source_hashes").get_to(progress.source_hashes);
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::data, "{}: not the state of a pack: {}", name, error.what());
  }
  check(progress, name);
  return progress;
}

}  // namespace smlp
