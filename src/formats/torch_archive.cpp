#include <map>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "torch_containers.hpp"
#include "zip_records.hpp"

namespace smlp {
namespace {

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

}  // namespace

Pickle read_torch_archive(std::span<const std::byte> bytes, const std::string& file) {
  const Archive archive(bytes, file);
  const ZipRecord* record = archive.find("data.pkl");
  if (record == nullptr) fail(ErrorKind::data, "{}: not a file of torch.save: it has no data.pkl", file);
  check_crc(*record, file);
  Pickle pickle = Unpickler(record->bytes, file, "data.pkl").read();
  if (pickle.length != record->bytes.size())
    fail(ErrorKind::data, "{}: data.pkl ends at byte {}, {} are left over", file, pickle.length,
         record->bytes.size() - pickle.length);
  for (PickledStorage& storage : pickle.storages) {
    const std::string name = fmt::format("data/{}", storage.key);
    const ZipRecord* data = archive.find(name);
    if (data == nullptr) fail(ErrorKind::data, "{}: there is no record {}", file, printable(name));
    check_crc(*data, file);
    if (data->bytes.size() != storage.size())
      fail(ErrorKind::data, "{}: record {} has {} bytes, which is not {} elements of {}", file,
           printable(name), data->bytes.size(), storage.count, storage.dtype);
    storage.bytes = data->bytes;
  }
  return pickle;
}

}  // namespace smlp
