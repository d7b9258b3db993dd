#include "smlp/pack/sources/shards.hpp"

#include <algorithm>
#include <cctype>

#include "smlp/core/error.hpp"
#include "smlp/formats/archive.hpp"

namespace smlp {
namespace {

std::string split_of_word(const std::string& word) {
  if (word == "train" || word == "test" || word == "val") return word;
  return word == "validation" ? "val" : "";
}

// The split a name says, "" for none.
std::string split_in(const std::string& name, const Shard& shard) {
  std::string found, word;
  for (const char c : name + '/') {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    const std::string split = split_of_word(word);
    word.clear();
    if (split.empty() || split == found) continue;
    if (!found.empty())
      fail(ErrorKind::data, "{}: \"{}\" says both {} and {}; rename it", shard.path.string(), name, found,
           split);
    found = split;
  }
  return found;
}

std::string split_of(const Shard& shard, const SourceRequest& request) {
  std::string split = split_in(shard.path.filename().string(), shard);
  if (split.empty()) split = split_in(shard.path.parent_path().filename().string(), shard);
  if (!split.empty()) return split;
  if (request.splits.size() > 1)
    fail(ErrorKind::data, "{}: neither its name nor its folder's says train or test; name one --split",
         shard.path.string());
  return request.splits.empty() ? "train" : request.splits[0];
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
    if (path.ends_with('/')) return false;
    const auto parts = path_parts(path);
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
  for (Shard& each : shards) each.split = split_of(each, request);
  const bool both = has(shards, "test") && has(shards, "val");
  if (both && request.wants_folder("test") && request.wants_folder("val"))
    fail(ErrorKind::data, "{}: has both test and val files; choose one with --split", request.from.string());
  const auto passed_over = [&](const Shard& each) {
    if (each.split == "test" || each.split == "val")
      return both ? !request.wants_folder(each.split) : !request.wants("test");
    return !request.wants(each.split);
  };
  skipped += static_cast<std::int64_t>(std::erase_if(shards, passed_over));
  for (Shard& each : shards)
    if (each.split == "val") each.split = "test";
  for (const std::string& each : request.splits)
    if (each == "unlabeled" || !has(shards, each == "val" ? "test" : each))
      fail(ErrorKind::data, "{}: no files of the split {}", request.from.string(), each);
  return shards;
}

}  // namespace smlp
