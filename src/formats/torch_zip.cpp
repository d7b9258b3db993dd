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
constexpr std::size_t name_limit = 1024, names_limit = 64 << 20, shown_keys = 20;
constexpr int nesting_limit = 64;

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
        fail(ErrorKind::data,
             "{}: record \"{}\" is compressed; torch.save stores without compression. Unpack it and "
             "pack it again with zip -0 -r -D -X",
             file_, printable(name));
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

// What lies in the containers of a file, each with the way to it. A container that stands in several places
// is read at its first, which ends cycles too.
class Contents {
 public:
  Contents(const Pickle& pickle, const std::string& file) : pickle_(pickle), file_(file) {
    visit(pickle.top, "", 0);
  }

  std::vector<std::pair<std::string, const PickledTensor*>> tensors;
  std::vector<std::string> objects;  // "args: an object of argparse.Namespace"

 private:
  void visit(std::size_t index, const std::string& name, int nesting) {
    const PickledValue& value = pickle_.values[index];
    const bool container = value.is(Kind::dictionary) || value.is(Kind::list) || value.is(Kind::tuple);
    if (!container && !value.is(Kind::tensor) && !value.is(Kind::object)) return;
    check_name(name, nesting);
    if (value.is(Kind::tensor)) tensors.emplace_back(name, &pickle_.tensors[value.integer]);
    if (value.is(Kind::object)) objects.push_back(fmt::format("{}: {}", printable(name), describe(value)));
    if (!container || !visited_.insert(index).second) return;
    const std::size_t step = value.is(Kind::dictionary) ? 2 : 1;
    for (std::size_t i = 0; i < value.items.size(); i += step) {
      const std::string key = step == 2 ? key_of(pickle_.values[value.items[i]]) : std::to_string(i);
      visit(value.items[i + step - 1], name.empty() ? key : name + '.' + key, nesting + 1);
    }
  }

  static std::string key_of(const PickledValue& key) {
    if (key.is(Kind::integer)) return std::to_string(key.integer);
    return key.is(Kind::text) ? std::string(key.text) : describe(key);
  }

  void check_name(const std::string& name, int nesting) {
    names_ += name.size();
    if (name.size() > name_limit)
      fail(ErrorKind::data, "{}: a tensor's name of {} bytes, at most {} are accepted", file_, name.size(),
           name_limit);
    if (names_ > names_limit || nesting > nesting_limit)
      fail(ErrorKind::data, "{}: its containers are too many, or nested more than {} deep", file_,
           nesting_limit);
  }

  const Pickle& pickle_;
  const std::string& file_;
  std::set<std::size_t> visited_;
  std::size_t names_ = 0;
};

std::string listed_keys(const Pickle& pickle) {
  const PickledValue& top = pickle.values[pickle.top];
  if (!top.is(Kind::dictionary)) return "it holds " + describe(top);
  std::string text = "its dictionary holds";
  for (std::size_t i = 0; i < top.items.size(); i += 2) {
    if (i / 2 == shown_keys) return text + fmt::format(" and {} more", top.items.size() / 2 - shown_keys);
    text += fmt::format("{} {}: {}", i == 0 ? "" : ",", describe(pickle.values[top.items[i]]),
                        describe(pickle.values[top.items[i + 1]]));
  }
  return top.items.empty() ? text + " nothing" : text;
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
void check_total(const Contents& contents, const Pickle& pickle, std::uint64_t file_size,
                 const std::string& file) {
  std::uint64_t total = 0;
  for (const auto& [name, tensor] : contents.tensors) {
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
  Contents contents(pickle, name_);
  if (contents.tensors.empty())
    fail(ErrorKind::data,
         "{}: no tensors in it: {}. If you trust the file, load it in PyTorch and save the tensors alone: "
         "torch.save(model.state_dict(), \"new.pt\")",
         name_, listed_keys(pickle));
  check_total(contents, pickle, bytes.size(), name_);
  objects_ = std::move(contents.objects);

  std::set<std::size_t> checked;
  for (auto& [name, tensor] : contents.tensors) {
    if (!index_.try_emplace(name, entries_.size()).second)
      fail(ErrorKind::data, "{}: tensor \"{}\" is there twice", name_, printable(name));
    const PickledStorage& storage = pickle.storages[tensor->storage];
    if (checked.insert(tensor->storage).second)
      check_crc(*archive.find(fmt::format("data/{}", storage.key)), name_);
    const std::size_t width = safetensors_item_size(storage.dtype);
    std::span<const std::byte> data = storage.bytes.subspan(static_cast<std::size_t>(tensor->offset) * width);
    if (!is_contiguous(*tensor)) data = copies_.emplace_back(contiguous_copy(*tensor, data.data(), width));
    entries_.push_back({std::move(name), std::string(storage.dtype), tensor->shape,
                        data.first(static_cast<std::size_t>(tensor->count) * width)});
  }
}

const SafetensorsEntry& TorchZipFile::at(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) fail(ErrorKind::data, "{}: there is no tensor \"{}\"", name_, name);
  return entries_[found->second];
}

}  // namespace smlp
