#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "smlp/pack/sources/source.hpp"

namespace smlp {

// One of the files a data set was cut into.
struct Shard {
  std::filesystem::path path;
  std::string name;   // relative to the folder asked for: how samples are named
  std::string split;  // "train" or "test"
};

// `from` itself, or the files of a folder, at any depth, whose names `accepts`, in bytewise order; the other
// files are counted. Without splits.
std::vector<Shard> find_shards(const std::filesystem::path& from, bool (*accepts)(std::string_view file),
                               std::int64_t& skipped);

// Gives each shard its split and leaves out those not asked for, which are counted. Its file's name says it,
// or else its folder's, as split_in_name() reads them; where none does, all are the one split asked for, or
// what the folder's name says that all lie in, or train. Two splits in one name, names that say one beside
// others that do not, several splits asked for where nothing tells them apart, both test and val shards, none
// for a split asked for: Error(data).
std::vector<Shard> choose_shards(std::vector<Shard> shards, const SourceRequest& request,
                                 std::int64_t& skipped);

}  // namespace smlp
