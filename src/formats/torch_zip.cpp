#include "smlp/formats/torch_zip.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "unpickler.hpp"
#include "zip_records.hpp"

namespace smlp {
namespace {

using Kind = PickledValue::Kind;

constexpr std::uint64_t copy_allowance = 1 << 20;
constexpr std::size_t name_limit = 1024, shown_keys = 20;
constexpr std::string_view state_keys[] = {"model", "state_dict", "model_state_dict", "net"};
constexpr std::string_view wrapper_prefixes[] = {"module.", "_orig_mod."};

void refuse_other_formats(std::span<const std::byte> bytes, const std::string& file) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("PK\3\4")) return;
  const bool tar = text.size() > 262 && text.substr(257, 5) == "ustar";
  if (tar || text.starts_with("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46"))
    fail(ErrorKind::data,
         "{}: the {} format of PyTorch, which is not read. Convert it in PyTorch: "
         "torch.save(torch.load(\"old.pt\", weights_only=True), \"new.pt\")",
         file, tar ? "tar" : "old (before 1.6) non-zip");
  fail(ErrorKind::data, "{}: not a zip archive as torch.save writes it, its first bytes are \"{}\"", file,
       printable(text.substr(0, 4)));
}

// The archive's records by their names below its one folder.
class Archive {
 public:
  Archive(std::span<const std::byte> bytes, const std::string& file) : file_(file) {
    std::string_view root;
    for (const ZipRecord& record : read_stored_zip(bytes, file)) {
      const std::size_t slash = record.name.find('/');
      if (slash == std::string_view::npos || (!root.empty() && record.name.substr(0, slash) != root))
        fail(ErrorKind::data,
             "{}: not a file of torch.save: record \"{}\" is not in the archive's one folder", file_,
             printable(record.name));
      root = record.name.substr(0, slash);
      records_[record.name.substr(slash + 1)] = record;
    }
    for (const auto& [name, record] : records_)
      if (name == "constants.pkl" || name.starts_with("code/"))
        fail(ErrorKind::data,
             "{}: a TorchScript archive (record {}), which holds code. Convert it in PyTorch: "
             "torch.save(torch.jit.load(\"old.pt\").state_dict(), \"new.pt\")",
             file_, printable(name));
    for (const auto& [name, record] : records_)
      if (!record.stored)
        fail(ErrorKind::data, "{}: record \"{}\" is compressed; torch.save stores without compression", file_,
             printable(name));
    if (checked("byteorder", "little") != "little")
      fail(ErrorKind::data, "{}: its byteorder is \"{}\": save it again on a little-endian machine", file_,
           printable(checked("byteorder", "")));
    const std::string_view version = checked("version", "");
    if (version.empty() || version.size() > 3 || version[0] < '1' || version[0] > '9')
      fail(ErrorKind::data, "{}: not a file of torch.save: its version is \"{}\"", file_, printable(version));
  }

  const ZipRecord* find(std::string_view name) const {
    const auto found = records_.find(name);
    return found == records_.end() ? nullptr : &found->second;
  }

  std::string_view checked(std::string_view name, std::string_view otherwise) const {
    const ZipRecord* record = find(name);
    if (record == nullptr) return otherwise;
    check_crc(*record, file_);
    return {reinterpret_cast<const char*>(record->bytes.data()), record->bytes.size()};
  }

 private:
  const std::string& file_;
  std::map<std::string_view, ZipRecord> records_;
};

Pickle read_pickle(const Archive& archive, const std::string& file) {
  const ZipRecord* record = archive.find("data.pkl");
  if (record == nullptr) fail(ErrorKind::data, "{}: not a file of torch.save: it has no data.pkl", file);
  check_crc(*record, file);
  const auto storage = [&](std::string_view key) -> std::optional<std::span<const std::byte>> {
    const ZipRecord* found = archive.find(fmt::format("data/{}", key));
    if (found == nullptr) return {};
    return found->bytes;
  };
  return Unpickler(record->bytes, file, storage).read();
}

bool holds_only_tensors(const Pickle& pickle, const PickledValue& value) {
  if (!value.is(Kind::dictionary) || value.items.empty()) return false;
  for (std::size_t i = 0; i < value.items.size(); i += 2)
    if (!pickle.values[value.items[i]].is(Kind::text) || !pickle.values[value.items[i + 1]].is(Kind::tensor))
      return false;
  return true;
}

std::string listed_keys(const Pickle& pickle, const PickledValue& top) {
  if (!top.is(Kind::dictionary)) return "it holds " + describe(top);
  std::string text = "its dictionary holds";
  for (std::size_t i = 0; i < top.items.size(); i += 2) {
    if (i / 2 == shown_keys) return text + fmt::format(" and {} more", top.items.size() / 2 - shown_keys);
    text += fmt::format("{} {}: {}", i == 0 ? "" : ",", describe(pickle.values[top.items[i]]),
                        describe(pickle.values[top.items[i + 1]]));
  }
  return top.items.empty() ? text + " nothing" : text;
}

const PickledValue& state_dictionary(const Pickle& pickle, const std::string& file) {
  const PickledValue& top = pickle.values[pickle.top];
  if (holds_only_tensors(pickle, top)) return top;
  const PickledValue* found = nullptr;
  int candidates = 0;
  for (std::size_t i = 0; top.is(Kind::dictionary) && i < top.items.size(); i += 2) {
    const PickledValue &key = pickle.values[top.items[i]], &value = pickle.values[top.items[i + 1]];
    if (!key.is(Kind::text) || std::ranges::find(state_keys, key.text) == std::end(state_keys)) continue;
    if (!holds_only_tensors(pickle, value)) continue;
    found = &value;
    ++candidates;
  }
  if (candidates != 1)
    fail(ErrorKind::data,
         "{}: {} dictionaries of tensors where one is needed, as the whole or as {}: {}. Save the tensors "
         "alone in "
         "PyTorch: torch.save(model.state_dict(), \"new.pt\")",
         file, candidates == 0 ? "no" : "several", fmt::join(state_keys, ", "), listed_keys(pickle, top));
  return *found;
}

bool is_contiguous(const PickledTensor& tensor) {
  if (tensor.count <= 1) return true;
  std::int64_t stride = 1;
  for (std::size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != stride) return false;
    stride *= tensor.shape[i];
  }
  return true;
}

// Row-major. `from` is the element at index 0, which exists.
template <std::size_t width>
void copy_elements(const PickledTensor& tensor, const std::byte* from, std::byte* to) {
  std::vector<std::int64_t> index(tensor.shape.size(), 0);
  std::int64_t position = 0;
  for (std::int64_t i = 0; i < tensor.count; ++i, to += width) {
    std::memcpy(to, from + position * static_cast<std::int64_t>(width), width);
    for (std::size_t k = index.size(); k-- > 0;) {
      position += tensor.strides[k];
      if (++index[k] < tensor.shape[k]) break;
      position -= tensor.strides[k] * tensor.shape[k];
      index[k] = 0;
    }
  }
}

std::vector<std::byte> contiguous_copy(const PickledTensor& tensor, const std::byte* from,
                                       std::size_t width) {
  std::vector<std::byte> copy(static_cast<std::size_t>(tensor.count) * width);
  if (width == 1) copy_elements<1>(tensor, from, copy.data());
  if (width == 2) copy_elements<2>(tensor, from, copy.data());
  if (width == 4) copy_elements<4>(tensor, from, copy.data());
  if (width == 8) copy_elements<8>(tensor, from, copy.data());
  return copy;
}

// Before anything is copied: few bytes of a file can describe many, large or expanded views of one storage.
void check_total(const std::vector<const PickledTensor*>& tensors, const Pickle& pickle,
                 std::uint64_t file_size, const std::string& file) {
  std::uint64_t total = 0;
  for (const PickledTensor* tensor : tensors) {
    total += static_cast<std::uint64_t>(tensor->count) *
             safetensors_item_size(pickle.storages[tensor->storage].dtype);
    if (total > 2 * file_size + copy_allowance)
      fail(ErrorKind::data,
           "{}: its tensors need more than {} bytes, twice the file's size: views of shared or expanded "
           "storages are "
           "to be saved as .clone()",
           file, 2 * file_size + copy_allowance);
  }
}

}  // namespace

void strip_wrapper_prefixes(std::vector<std::string>& names) {
  const auto common = [&](std::string_view prefix) {
    return std::ranges::all_of(names, [&](const std::string& name) {
      return name.size() > prefix.size() && name.starts_with(prefix);
    });
  };
  for (bool again = !names.empty(); again;) {
    again = false;
    for (const std::string_view prefix : wrapper_prefixes) {
      if (!common(prefix)) continue;
      for (std::string& name : names) name.erase(0, prefix.size());
      again = true;
    }
  }
}

TorchZipFile::TorchZipFile(const std::filesystem::path& path) : name_(path.string()), file_(path) {
  read(file_.bytes());
}

TorchZipFile::TorchZipFile(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)) {
  read(bytes);
}

void TorchZipFile::read(std::span<const std::byte> bytes) {
  refuse_other_formats(bytes, name_);
  const Archive archive(bytes, name_);
  const Pickle pickle = read_pickle(archive, name_);
  const PickledValue& dictionary = state_dictionary(pickle, name_);

  std::vector<std::string> names;
  std::vector<const PickledTensor*> tensors;
  for (std::size_t i = 0; i < dictionary.items.size(); i += 2) {
    const std::string_view name = pickle.values[dictionary.items[i]].text;
    if (name.size() > name_limit)
      fail(ErrorKind::data, "{}: a tensor's name of {} bytes, at most {} are accepted", name_, name.size(),
           name_limit);
    names.emplace_back(name);
    tensors.push_back(&pickle.tensors[pickle.values[dictionary.items[i + 1]].integer]);
  }
  check_total(tensors, pickle, bytes.size(), name_);
  strip_wrapper_prefixes(names);

  std::set<std::size_t> checked;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!index_.try_emplace(names[i], i).second)
      fail(ErrorKind::data, "{}: tensor \"{}\" is there twice", name_, printable(names[i]));
    const PickledTensor& tensor = *tensors[i];
    const PickledStorage& storage = pickle.storages[tensor.storage];
    if (checked.insert(tensor.storage).second)
      check_crc(*archive.find(fmt::format("data/{}", storage.key)), name_);
    const std::size_t width = safetensors_item_size(storage.dtype);
    std::span<const std::byte> data = storage.bytes.subspan(static_cast<std::size_t>(tensor.offset) * width);
    if (!is_contiguous(tensor)) data = copies_.emplace_back(contiguous_copy(tensor, data.data(), width));
    entries_.push_back({std::move(names[i]), std::string(storage.dtype), tensor.shape,
                        data.first(static_cast<std::size_t>(tensor.count) * width)});
  }
}

const SafetensorsEntry& TorchZipFile::at(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) fail(ErrorKind::data, "{}: there is no tensor \"{}\"", name_, name);
  return entries_[found->second];
}

}  // namespace smlp
