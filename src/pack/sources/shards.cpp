#include "smlp/pack/sources/shards.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/data/split_names.hpp"
#include "smlp/formats/archive.hpp"

namespace smlp {
namespace {

// The split that a file's or folder's name says, "" for none.
std::string split_in(std::string_view name, const fs::path& path) {
  const std::vector<std::string> splits = split_in_name(name).splits;
  if (splits.size() > 1)
    fail(ErrorKind::data, "{}: \"{}\" says both {} and {}; rename it", path.string(), name, splits[0],
         splits[1]);
  return splits.empty() ? "" : splits[0];
}

// The name's own word, or that of the nearest folder below the one that all shards lie in.
std::string split_of(const Shard& shard) {
  const std::vector<std::string_view> parts = path_parts(shard.name);
  std::string split;
  for (auto part = parts.rbegin(); part != parts.rend() && split.empty(); ++part)
    split = split_in(*part, shard.path);
  return split;
}

// The one asked for, or what the folder's name says that all of them lie in.
std::string split_of_all(const SourceRequest& request) {
  if (!request.splits.empty()) return request.splits[0];
  const fs::path from = fs::absolute(without_trailing_slash(request.from));
  const fs::path folder = fs::is_directory(from) ? from : from.parent_path();
  std::string split = split_in(folder.filename().string(), folder);
  if (split.empty()) return "train";
  log().info("{}: all of it is the {} split, as the folder's name says; --split names another",
             request.from.string(), packed_split(split));
  return split;
}

// Where some names say a split, the others could be any.
void name_splits(std::vector<Shard>& shards, const SourceRequest& request) {
  for (Shard& each : shards) each.split = split_of(each);
  const auto silent = std::ranges::find(shards, "", &Shard::split);
  if (silent == shards.end()) return;
  const auto telling = std::ranges::find_if(shards, [](const Shard& each) { return !each.split.empty(); });
  if (telling != shards.end())
    fail(ErrorKind::data,
         "{}: neither its name nor that of a folder says train, val or test, as {} does; rename it, or pack "
         "the "
         "files of each split from a folder of their own with --split",
         silent->path.string(), telling->name);
  if (request.splits.size() > 1)
    fail(ErrorKind::data, "{}: neither its name nor that of a folder says train or test; name one --split",
         silent->path.string());
  const std::string split = split_of_all(request);
  for (Shard& each : shards) each.split = split;
}

bool has(const std::vector<Shard>& shards, std::string_view split) {
  return std::any_of(shards.begin(), shards.end(), [&](const Shard& each) { return each.split == split; });
}

}  // namespace

std::vector<Shard> find_shards(const std::filesystem::path& from, bool (*accepts)(std::string_view file),
                               std::int64_t& skipped) {
  if (!std::filesystem::is_directory(from)) return {{from, from.filename().string(), ""}};
  std::vector<Shard> shards;
  const auto look = [&](const std::string& path) {
    const auto parts = path_parts(path);
    if (path.ends_with('/')) return !is_hidden(parts);
    if (!is_hidden(parts) && accepts(parts.back()))
      shards.push_back({from / path, path, ""});
    else
      ++skipped;
    return false;
  };
  read_archive(from, look, [](ArchiveEntry&) {});
  return shards;
}

std::vector<Shard> choose_shards(std::vector<Shard> shards, const SourceRequest& request,
                                 std::int64_t& skipped) {
  name_splits(shards, request);
  const bool both = has(shards, "test") && has(shards, "val");
  if (both && request.wants_folder("test") && request.wants_folder("val"))
    fail(ErrorKind::data, "{}: has both test and val files; choose one with --split", request.from.string());
  const auto passed_over = [&](const Shard& each) {
    if (each.split == "test" || each.split == "val")
      return both ? !request.wants_folder(each.split) : !request.wants("test");
    return each.split == "unlabeled" || !request.wants(each.split);
  };
  skipped += static_cast<std::int64_t>(std::erase_if(shards, passed_over));
  for (Shard& each : shards) each.split = packed_split(each.split);
  for (const std::string& each : request.splits)
    if (each == "unlabeled" || !has(shards, packed_split(each)))
      fail(ErrorKind::data, "{}: no files of the split {}", request.from.string(), each);
  return shards;
}

}  // namespace smlp
