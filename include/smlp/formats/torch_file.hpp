#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "smlp/core/files.hpp"
#include "smlp/formats/safetensors.hpp"

namespace smlp {

// The tensors of a file that torch.save wrote (`.pt`, `.pth`, `.ckpt`; PyTorch 0.2 and newer). Nothing in it
// is executed or imported: what is neither a tensor nor a container of tensors is passed over, as are sparse,
// quantised and nested tensors. Refused, saying what was found and how to convert it: a file without tensors
// (a whole model that was pickled is one), compressed records, wrong sizes or checksums of the tensors'
// records, tensors that reach out of their storage, big-endian files, TorchScript.
//
// A tensor's name is the way to it: "state_dict.linear_in.weight", "optimizer.state.0.exp_avg".
//
// Memory: contiguous tensors lie in the mapped file, others are copied, as are negated and conjugated views.
// Storages may be shared and tensors expanded, but all tensors together have at most 1 MiB more than twice
// the file's size.
class TorchFile {
 public:
  explicit TorchFile(const std::filesystem::path& path);
  TorchFile(std::span<const std::byte> bytes, std::string name);  // which outlive it

  const std::vector<SafetensorsEntry>& entries() const { return entries_; }  // in the order saved
  const SafetensorsEntry& at(const std::string& name) const;                 // absent: Error(data)
  const std::vector<std::string>& objects() const { return objects_; }  // passed over: "name: what it is"

 private:
  void read(std::span<const std::byte> bytes);

  std::string name_;
  MappedFile file_;
  std::vector<std::vector<std::byte>> copies_;
  std::vector<SafetensorsEntry> entries_;
  std::vector<std::string> objects_;
  std::map<std::string, std::size_t> index_;
};

// Writes a file that torch.load(weights_only=True) opens as an OrderedDict of tensors, in the order given,
// atomically. Element types that have no storage type in PyTorch (U16, U32, U64), bytes that do not fit their
// shape, names that are doubled or not UTF-8: Error(failed).
void write_torch_file(const std::filesystem::path& path, std::span<const SafetensorsEntry> tensors);

}  // namespace smlp
