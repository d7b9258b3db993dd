#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace smlp {

// A data set's archive as its authors offer it.
struct RemoteFile {
  std::string name;  // as a source of `smlp pack`
  std::string url;   // the folder it lies in, ending with /
  std::string file;
  std::uint64_t bytes = 0;
  std::string md5;  // 32 hex digits, lower case
};

// What `smlp fetch` can fetch. To add one: its row in fetch.cpp.
std::span<const RemoteFile> remote_files();

// The row called `name`. Unknown: Error(usage) listing the names.
const RemoteFile& find_remote_file(const std::string& name);

struct FetchOptions {
  std::filesystem::path to = ".";  // a folder; made when missing
  std::string mirror;  // a folder's URL, https:// or http:// (the MD5 decides); empty: the official page
  std::vector<std::chrono::milliseconds> pauses{std::chrono::seconds(1), std::chrono::seconds(2),
                                                std::chrono::seconds(4), std::chrono::seconds(8),
                                                std::chrono::seconds(16)};  // before each further attempt
  std::function<void(std::uint64_t bytes)> progress;  // called with the bytes that are there; may be empty
};

struct FetchReport {
  std::filesystem::path path;
  bool was_there = false;  // complete before, so nothing was downloaded
};

// Downloads into TO/FILE.part, checks size and MD5, and gives the file its name once it is durable. A
// connection that breaks, and answers 408, 429 and 5xx, are tried again from where they stopped until as many
// attempts as there are pauses brought nothing; then, and on stop_signal(), the part stays and the next call
// goes on with it. Never writes more than the expected size. Up to 10 redirects are followed, never from
// https to http. Error(failed): the network, the server's answer, the disk, the stop. Error(data): what is
// offered or came is not the file (a part of wrong MD5 is deleted), or another file stands in its place (left
// as it is).
FetchReport fetch(const RemoteFile& file, const FetchOptions& options);

}  // namespace smlp
