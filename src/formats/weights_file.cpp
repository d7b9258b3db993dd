#include "smlp/formats/weights_file.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/json.hpp"

namespace smlp {
namespace {

constexpr std::uint64_t index_limit = 64 << 20;
constexpr int index_depth = 8;
constexpr std::string_view index_ending = ".index.json";

std::string first_bytes(const fs::path& file) {
  if (is_stream(file)) fail(ErrorKind::data, "{}: a pipe or a device, not a file of weights", file.string());
  std::array<char, 64> start{};
  std::ifstream stream(file, std::ios::binary);
  stream.read(start.data(), start.size());
  return {start.data(), static_cast<std::size_t>(stream.gcount())};
}

// A header's length, then JSON; what has no such start and another name is for the reader of .pt to refuse.
bool is_safetensors(const fs::path& file) {
  const std::string start = first_bytes(file);
  return (start.size() > 8 && start[8] == '{') || file.extension() == ".safetensors";
}

// What a download leaves where the weights should be.
void refuse_stand_in(const fs::path& file) {
  const std::string start = first_bytes(file);
  if (start.empty()) fail(ErrorKind::data, "{}: is empty (0 bytes)", file.string());
  if (start.starts_with("version https://git-lfs"))
    fail(ErrorKind::data, "{}: a pointer of Git LFS, not the weights: fetch them with `git lfs pull`",
         file.string());
  if (start.starts_with("<"))
    fail(ErrorKind::data, "{}: a web page (\"{}\"), not the weights: download the file itself", file.string(),
         printable(start.substr(0, start.find('\n'))));
}

// model-00001-of-00002.safetensors
void refuse_part(const fs::path& path) {
  static const std::regex pattern(R"((.*)-(\d{1,9})-of-(\d{1,9})(\.\w+))");
  const std::string name = path.filename().string();
  std::smatch match;
  if (name.size() > 255 || !std::regex_match(name, match, pattern) || std::stoi(match[3]) == 1) return;
  fail(ErrorKind::data, "{}: part {} of {} of a model's weights: name the index that lists them, {}",
       path.string(), std::stoi(match[2]), std::stoi(match[3]),
       (path.parent_path() / (match[1].str() + match[4].str() + std::string(index_ending))).string());
}

}  // namespace

WeightsFile::WeightsFile(const fs::path& path) {
  if (fs::is_directory(path))
    fail(ErrorKind::data, "{}: a folder: name the file of weights in it", path.string());
  if (!fs::exists(path)) fail(ErrorKind::data, "{}: there is no such file", path.string());
  if (path.string().ends_with(index_ending)) {
    open_index(path);
  } else {
    refuse_part(path);
    open_part(path);
  }
}

template <class File>
const File& WeightsFile::open(const fs::path& path) {
  const auto& file = std::get<File>(files_.emplace_back(std::in_place_type<File>, path));
  entries_.insert(entries_.end(), file.entries().begin(), file.entries().end());
  return file;
}

void WeightsFile::open_part(const fs::path& path) {
  refuse_stand_in(path);
  if (is_safetensors(path)) {
    open<SafetensorsFile>(path);
  } else if (path.extension() == ".npz") {
    open<NpzFile>(path);
  } else {
    const auto& file = open<TorchFile>(path);
    objects_.insert(objects_.end(), file.objects().begin(), file.objects().end());
  }
}

// Every tensor lies in the file that the index says, and no other does.
void WeightsFile::open_index(const fs::path& index) {
  const std::map<std::string, std::string> files =
      parse_weight_map(read_file(index, index_limit), index.string());
  std::set<std::string> names;
  for (const auto& [tensor, file] : files) names.insert(file);
  std::map<std::string, std::string> found;
  for (const std::string& name : names) {
    const std::size_t before = entries_.size();
    open_part(index.parent_path() / name);
    for (std::size_t i = before; i < entries_.size(); ++i)
      if (!found.emplace(entries_[i].name, name).second)
        fail(ErrorKind::data, "{}: tensor \"{}\" is in {} and in {}", index.string(),
             printable(entries_[i].name), printable(found[entries_[i].name]), printable(name));
  }
  const auto refuse = [&](const auto& pair, const char* reason) {
    fail(ErrorKind::data, "{}: tensor \"{}\" {} {}: were the files saved together?", index.string(),
         printable(pair.first), reason, printable(pair.second));
  };
  for (const auto& each : files)
    if (const auto at = found.find(each.first); at == found.end() || *at != each) refuse(each, "is not in");
  for (const auto& each : found)
    if (!files.contains(each.first)) refuse(each, "is not listed, but in");
}

std::map<std::string, std::string> parse_weight_map(std::string_view text, const std::string& name) {
  const nlohmann::json json = parse_json(text, name, index_depth);
  const auto map = json.is_object() ? json.find("weight_map") : json.end();
  if (map == json.end() || !map->is_object() || map->empty())
    fail(ErrorKind::data, "{}: no index of weights in several files: it has no \"weight_map\"", name);
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : map->items()) {
    const std::string path = file.is_string() ? file.get<std::string>() : "";
    if (path.empty() || path == "." || path == ".." ||
        path.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
      fail(ErrorKind::data,
           "{}: weight_map gives tensor \"{}\" the file {}, which is no name of a file beside it", name,
           printable(tensor), printable(file.dump(-1, ' ', true)));
    files.emplace(tensor, path);
  }
  return files;
}

}  // namespace smlp
