#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "smlp/formats/npz.hpp"
#include "smlp/formats/safetensors.hpp"
#include "smlp/formats/torch_file.hpp"

namespace smlp {

// The tensors of a model in one file, `.safetensors`, PyTorch's or `.npz`, or in several, which are opened
// through the index that lists them (`model.safetensors.index.json`). One part of several by itself is
// refused, since what it lacks cannot be seen. Error(data) naming the file.
class WeightsFile {
 public:
  explicit WeightsFile(const std::filesystem::path& path);

  const std::vector<SafetensorsEntry>& entries() const { return entries_; }
  // What PyTorch's file holds beside tensors and plain values: "args: an object of argparse.Namespace".
  const std::vector<std::string>& objects() const { return objects_; }

 private:
  void open_index(const std::filesystem::path& index);
  void open_part(const std::filesystem::path& path);

  template <class File>
  const File& open(const std::filesystem::path& path);

  std::vector<std::variant<SafetensorsFile, TorchFile, NpzFile>> files_;
  std::vector<SafetensorsEntry> entries_;
  std::vector<std::string> objects_;
};

// An index's "weight_map", from tensors to files of its folder. Not JSON, no such map, or a file that lies
// elsewhere: Error(data) naming `name`.
std::map<std::string, std::string> parse_weight_map(std::string_view text, const std::string& name);

}  // namespace smlp
