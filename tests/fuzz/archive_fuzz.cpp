// Archives: tar (checksums of its headers set right), zip, compressed ones, archives within archives. The
// files are read in every way there is, chosen by their names' lengths.
#include "memory_file.hpp"
#include "scripted_files.hpp"
#include "smlp/formats/archive.hpp"

namespace {

using smlp::ArchiveEntry;

void visit(ArchiveEntry& entry) {
  std::array<std::byte, 3> some;
  switch (entry.path().size() % 5) {
    case 0:
      return;
    case 1:
      return void(entry.read(some));
    case 2:
      return void(entry.bytes());
    case 3:
      return void(entry.lines());
    default:
      return entry.records(7, [](std::span<const std::byte>, std::int64_t) {});
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  static fuzz::MemoryFile file;
  std::string bytes(fuzz::text_of(data, size));
  for (std::size_t at = 0; at + 512 <= bytes.size(); at += 512)
    if (bytes.compare(at + 257, 5, "ustar") == 0) fuzz::mend_tar_header(&bytes[at]);
  file.write(bytes);
  fuzz::count_refusal(fuzz::refuses_only_as(ErrorKind::data, [&] {
    read_archive(
        file.path(), [](const std::string& path) { return path[0] != 'x'; },
        [](ArchiveEntry& entry) {
          if (!entry.path().ends_with(".tar")) return visit(entry);
          read_archive(
              entry, [](const std::string&) { return true; }, visit);
        });
  }));
  return 0;
}
