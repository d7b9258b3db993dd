#include "smlp/formats/torch_file.hpp"

#include <set>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "torch_containers.hpp"
#include "torch_views.hpp"

namespace smlp {
namespace {

using Kind = PickledValue::Kind;

constexpr std::uint64_t copy_allowance = 1 << 20;
constexpr std::size_t name_limit = 1024, names_limit = 64 << 20, shown_keys = 20;
constexpr int nesting_limit = 64;

Pickle read_container(std::span<const std::byte> bytes, const std::string& file) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with("PK\3\4")) return read_torch_archive(bytes, file);
  if (is_legacy_torch_file(bytes)) return read_legacy_torch_file(bytes, file);
  if (text.size() > 262 && text.substr(257, 5) == "ustar")
    fail(ErrorKind::data,
         "{}: the tar format of PyTorch before 0.2, which is not read. If you trust the file, convert it in "
         "PyTorch: torch.save(torch.load(\"old.pt\", weights_only=False), \"new.pt\")",
         file);
  fail(ErrorKind::data, "{}: not a file as torch.save writes it, its first bytes are \"{}\"", file,
       printable(text.substr(0, 4)));
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

TorchFile::TorchFile(const std::filesystem::path& path) : name_(path.string()), file_(path) {
  read(file_.bytes());
}

TorchFile::TorchFile(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)) {
  read(bytes);
}

void TorchFile::read(std::span<const std::byte> bytes) {
  const Pickle pickle = read_container(bytes, name_);
  Contents contents(pickle, name_);
  if (contents.tensors.empty())
    fail(ErrorKind::data,
         "{}: no tensors in it: {}. If you trust the file, load it in PyTorch and save the tensors alone: "
         "torch.save(model.state_dict(), \"new.pt\")",
         name_, listed_keys(pickle));
  check_total(contents, pickle, bytes.size(), name_);
  objects_ = std::move(contents.objects);
  for (auto& [name, tensor] : contents.tensors) {
    if (!index_.try_emplace(name, entries_.size()).second)
      fail(ErrorKind::data, "{}: tensor \"{}\" is there twice", name_, printable(name));
    const PickledStorage& storage = pickle.storages[tensor->storage];
    const std::size_t width = safetensors_item_size(storage.dtype);
    const std::span<const std::byte> data =
        lies_in_order(*tensor) ? storage.bytes.subspan(static_cast<std::size_t>(tensor->offset) * width)
                               : copies_.emplace_back(copy_in_order(*tensor, storage));
    entries_.push_back({std::move(name), std::string(storage.dtype), tensor->shape,
                        data.first(static_cast<std::size_t>(tensor->count) * width)});
  }
}

const SafetensorsEntry& TorchFile::at(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) fail(ErrorKind::data, "{}: there is no tensor \"{}\"", name_, name);
  return entries_[found->second];
}

}  // namespace smlp
