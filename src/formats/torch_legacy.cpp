#include <map>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "torch_containers.hpp"

namespace smlp {
namespace {

using Kind = PickledValue::Kind;

constexpr std::int64_t protocol_version = 1001;

// The pickles of the magic number, the version, the machine, the tensors, and the keys of their storages;
// then each storage's count and elements.
class LegacyFile {
 public:
  LegacyFile(std::span<const std::byte> bytes, const std::string& file) : rest_(bytes), file_(file) {}

  Pickle read() {
    next_pickle("the magic number");
    check_version(next_pickle("the version"));
    check_machine(next_pickle("the machine"));
    Pickle pickle = next_pickle("the tensors");
    const Pickle keys = next_pickle("the storages");
    const PickledValue& list = keys.values[keys.top];
    if (!list.is(Kind::list)) refuse("its list of storages is " + describe(list));
    std::map<std::string_view, PickledStorage*> storages;
    for (PickledStorage& storage : pickle.storages) storages[storage.key] = &storage;
    for (const std::size_t item : list.items) {
      const auto found = storages.find(keys.values[item].text);
      if (found == storages.end())
        refuse(fmt::format("{}, one of its storages, is of no tensor that is read: save it without",
                           describe(keys.values[item])));
      attach(*found->second);
    }
    if (!rest_.empty())
      refuse(fmt::format("{} bytes follow its storages: torch.load would pass over what was saved after",
                         rest_.size()));
    for (const PickledStorage& storage : pickle.storages)
      if (storage.bytes.size() != storage.size())
        refuse(fmt::format("storage {} is not in its list", printable(storage.key)));
    return pickle;
  }

 private:
  [[noreturn]] void refuse(const std::string& reason) const {
    fail(ErrorKind::data, "{}: {}", file_, reason);
  }

  Pickle next_pickle(const char* part) {
    Pickle pickle = Unpickler(rest_, file_, fmt::format("pickle of {}", part)).read();
    rest_ = rest_.subspan(pickle.length);
    return pickle;
  }

  void check_version(const Pickle& pickle) const {
    const PickledValue& version = pickle.values[pickle.top];
    if (!version.is(Kind::integer) || version.integer != protocol_version)
      refuse(fmt::format("its version is {}, not {}", describe(version), protocol_version));
  }

  void check_machine(const Pickle& pickle) const {
    const auto& items = pickle.values[pickle.top].items;
    for (std::size_t i = 0; i + 1 < items.size(); i += 2)
      if (pickle.values[items[i]].text == "little_endian" && pickle.values[items[i + 1]].integer == 1) return;
    refuse("not of a little-endian machine: save it again on one");
  }

  std::span<const std::byte> take(std::uint64_t bytes, std::string_view key) {
    if (bytes > rest_.size())
      refuse(fmt::format("the file ends within storage {}: {} bytes are needed, {} are left", printable(key),
                         bytes, rest_.size()));
    const auto taken = rest_.first(static_cast<std::size_t>(bytes));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

  void attach(PickledStorage& storage) {
    if (!storage.bytes.empty()) refuse(fmt::format("storage {} is there twice", printable(storage.key)));
    std::uint64_t count = 0;
    for (int shift = 0; const std::byte byte : take(8, storage.key)) {
      count |= std::to_integer<std::uint64_t>(byte) << shift;
      shift += 8;
    }
    if (count != static_cast<std::uint64_t>(storage.count))
      refuse(fmt::format("storage {} has {} elements, {} are wanted", printable(storage.key), count,
                         storage.count));
    storage.bytes = take(storage.size(), storage.key);
  }

  std::span<const std::byte> rest_;
  const std::string& file_;
};

}  // namespace

bool is_legacy_torch_file(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.size() > 2 && text[0] == '\x80' &&
         text.substr(2).starts_with("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
}

Pickle read_legacy_torch_file(std::span<const std::byte> bytes, const std::string& file) {
  return LegacyFile(bytes, file).read();
}

}  // namespace smlp
