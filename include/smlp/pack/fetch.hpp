#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace smlp {

// A data set's archive, or a model's weights, as their authors offer them.
struct RemoteFile {
  enum class Kind { data_set, weights };
  Kind kind = Kind::data_set;
  std::string name;         // as a source of `smlp pack`; of weights their published key
  std::string url;          // where it is
  std::string file;         // what it is called here, and in a mirror's folder
  std::uint64_t bytes = 0;  // 0: not published
  std::string md5{};        // 32 hex digits, lower case; empty: not published
};

// What `smlp fetch` can fetch. To add one: its row in remote_files.cpp.
std::span<const RemoteFile> remote_files();

// The row called `name`, in any case. Unknown: Error(usage) with the nearest one.
const RemoteFile& find_remote_file(const std::string& name);

struct FetchOptions {
  std::filesystem::path to = ".";  // a folder; made when missing
  std::string mirror;  // a folder's URL, https:// or http:// (the MD5 decides); empty: its own place
  std::vector<std::chrono::milliseconds> pauses{std::chrono::seconds(1), std::chrono::seconds(2),
                                                std::chrono::seconds(4), std::chrono::seconds(8),
                                                std::chrono::seconds(16)};  // before each further attempt
  // Called with the bytes that are there and those of the whole, 0 where nobody says them; may be empty.
  std::function<void(std::uint64_t bytes, std::uint64_t total)> progress;
};

struct FetchReport {
  std::filesystem::path path;
  std::string md5;
  bool was_there = false;  // complete before, so nothing was downloaded
  bool first = false;      // nothing was known to compare its MD5 with
};

// Downloads into TO/FILE.part, checks size and MD5, and gives the file its name once it is durable. A
// connection that breaks, and answers 408, 429 and 5xx, are tried again from where they stopped until as many
// attempts as there are pauses brought nothing; then, and on stop_signal(), which throws Interrupted, the
// part stays and the next call goes on with it. Never writes more than the expected size. An MD5 that is not
// published is written to TO/FILE.md5 by the first download, and later ones must have it; a web page in the
// place of such a file is refused. Up to 10 redirects are followed, never from https to http. Error(failed):
// the network, the server's answer, the disk. Error(data): what is offered or came is not the file (a part of
// wrong MD5 is deleted), or another file stands in its place (left as it is).
FetchReport fetch(const RemoteFile& file, const FetchOptions& options);

}  // namespace smlp
