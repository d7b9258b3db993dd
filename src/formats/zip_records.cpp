#include "zip_records.hpp"

#include <zlib.h>

#include <algorithm>
#include <set>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

constexpr std::size_t end_size = 22, end64_size = 56, locator_size = 20, central_size = 46, local_size = 30;
constexpr std::uint64_t saturated16 = 0xffff, saturated32 = 0xffffffff;
constexpr std::size_t name_limit = 1024;

class ZipReader {
 public:
  ZipReader(std::span<const std::byte> archive, const std::string& file) : archive_(archive), file_(file) {}

  std::vector<ZipRecord> read() {
    find_directory();
    std::uint64_t at = directory_;
    for (std::uint64_t i = 0; i < count_; ++i) at = read_entry(at);
    if (at != directory_end_)
      refuse(
          fmt::format("its directory of {} records ends at byte {}, not at {}", count_, at, directory_end_));
    check_overlaps();
    return std::move(records_);
  }

 private:
  struct Sizes {
    std::uint64_t whole, packed;
    bool operator==(const Sizes&) const = default;
  };
  struct Range {
    std::uint64_t begin, end;
    std::string_view name;
  };

  [[noreturn]] void refuse(const std::string& reason) const {
    fail(ErrorKind::data, "{}: damaged or unusual zip archive: {}", file_, reason);
  }

  // Little-endian; the caller knows that the bytes are there.
  std::uint64_t number(std::uint64_t at, int size) const {
    std::uint64_t value = 0;
    for (int i = size; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(archive_[at + i]);
    return value;
  }

  std::string_view text(std::uint64_t at, std::uint64_t size) const {
    return {reinterpret_cast<const char*>(archive_.data()) + at, static_cast<std::size_t>(size)};
  }

  void find_directory() {
    if (archive_.size() < end_size || text(archive_.size() - end_size, 4) != "PK\5\6")
      refuse("it does not end with a zip directory: cut off?");
    const std::uint64_t end = archive_.size() - end_size;
    count_ = number(end + 10, 2);
    size_ = number(end + 12, 4);
    directory_ = number(end + 16, 4);
    if (number(end + 4, 4) != 0 || number(end + 8, 2) != count_ || number(end + 20, 2) != 0)
      refuse("it has several volumes or a comment");
    directory_end_ = end;
    if (end >= locator_size && text(end - locator_size, 4) == "PK\6\7") read_end64(end - locator_size);
    if (size_ > directory_end_ || directory_ != directory_end_ - size_)
      refuse(fmt::format("its directory is said to be at byte {}, {} bytes long, and ends at byte {}",
                         directory_, size_, directory_end_));
    if (count_ > size_ / central_size) refuse(fmt::format("{} records do not fit its directory", count_));
    if (directory_ > 0 && text(0, 4) != "PK\3\4") refuse("its first record is not at its beginning");
  }

  void read_end64(std::uint64_t locator) {
    if (locator < end64_size || text(locator - end64_size, 4) != "PK\6\6" ||
        number(locator + 8, 8) != locator - end64_size || number(locator - end64_size + 4, 8) != 44)
      refuse("its zip64 end record is not where it should be");
    const std::uint64_t end = locator - end64_size;
    if (number(locator + 4, 4) != 0 || number(locator + 16, 4) != 1 || number(end + 16, 8) != 0 ||
        number(end + 24, 8) != number(end + 32, 8))
      refuse("it has several volumes");
    replace(count_, saturated16, number(end + 32, 8));
    replace(size_, saturated32, number(end + 40, 8));
    replace(directory_, saturated32, number(end + 48, 8));
    directory_end_ = end;
  }

  void replace(std::uint64_t& value, std::uint64_t saturated, std::uint64_t wide) const {
    if (value != saturated && value != wide) refuse("its two end records contradict each other");
    value = wide;
  }

  std::uint64_t read_entry(std::uint64_t at) {
    if (directory_end_ - at < central_size || text(at, 4) != "PK\1\2")
      refuse(fmt::format("no directory entry at byte {}", at));
    const std::uint64_t name_size = number(at + 28, 2), extra_size = number(at + 30, 2),
                        comment_size = number(at + 32, 2);
    const std::uint64_t next = at + central_size + name_size + extra_size + comment_size;
    if (next > directory_end_) refuse(fmt::format("the directory entry at byte {} is cut off", at));
    const std::string_view name = text(at + central_size, name_size);
    check_name(name);
    std::uint64_t packed = number(at + 20, 4), size = number(at + 24, 4), offset = number(at + 42, 4);
    read_zip64_field(at + central_size + name_size, extra_size, {&size, &packed, &offset});
    if ((number(at + 8, 2) & 0x2041) != 0) refuse(fmt::format("record \"{}\" is encrypted", printable(name)));
    const bool stored = number(at + 10, 2) == 0;
    if (stored && packed != size)
      refuse(fmt::format("record \"{}\" has two sizes: {} and {}", printable(name), packed, size));
    add_record(at, {name, {}, static_cast<std::uint32_t>(number(at + 16, 4)), stored}, {size, packed},
               offset);
    return next;
  }

  // The values that are saturated stand in the zip64 field, in this order.
  void read_zip64_field(std::uint64_t at, std::uint64_t size,
                        std::initializer_list<std::uint64_t*> values) const {
    const std::uint64_t end = at + size;
    while (end - at >= 4) {
      const std::uint64_t id = number(at, 2), field_end = at + 4 + number(at + 2, 2);
      if (field_end > end) refuse("an extra field is cut off");
      at += 4;
      if (id == 1) {
        for (std::uint64_t* value : values) {
          if (*value != saturated32) continue;
          if (field_end - at < 8) refuse("a zip64 field is cut off");
          *value = number(at, 8);
          at += 8;
        }
        return;
      }
      at = field_end;
    }
  }

  void check_name(std::string_view name) {
    const bool bad = name.empty() || name.size() > name_limit || name.front() == '/' ||
                     name.find('\0') != std::string_view::npos || name.find('\\') != std::string_view::npos ||
                     ("/" + std::string(name) + "/").find("/../") != std::string::npos || !is_utf8(name);
    if (bad) refuse(fmt::format("\"{}\" is no acceptable record name", printable(name)));
    if (!names_.insert(name).second) refuse(fmt::format("record \"{}\" is there twice", printable(name)));
  }

  // Of a local header that lies before the directory whole. NumPy's stand in a zip64 field, however small.
  Sizes local_sizes(std::uint64_t offset) const {
    Sizes sizes{number(offset + 22, 4), number(offset + 18, 4)};
    read_zip64_field(offset + local_size + number(offset + 26, 2), number(offset + 28, 2),
                     {&sizes.whole, &sizes.packed});
    return sizes;
  }

  // `at`: its directory entry; `offset`: its local header.
  void add_record(std::uint64_t at, ZipRecord record, const Sizes& sizes, std::uint64_t offset) {
    const auto bad = [&](std::string_view reason) {
      refuse(fmt::format("record \"{}\": {}", printable(record.name), reason));
    };
    if (offset > directory_ || directory_ - offset < local_size || text(offset, 4) != "PK\3\4")
      bad("no local header where the directory says");
    const std::uint64_t name_size = number(offset + 26, 2);
    const std::uint64_t begin = offset + local_size + name_size + number(offset + 28, 2);
    if (begin > directory_ || sizes.packed > directory_ - begin) bad("it goes beyond the archive's records");
    if (text(offset + local_size, name_size) != record.name) bad("its local header has another name");
    const std::uint64_t flags = number(offset + 6, 2);
    if (flags != number(at + 8, 2) || number(offset + 8, 2) != number(at + 10, 2))
      bad("its local header contradicts the directory");
    // CRC and sizes; with flag 8 they follow the data, as torch writes them, and the directory's are used.
    if ((flags & 8) == 0 && text(offset + 14, 12) != text(at + 16, 12))
      bad("its local header contradicts the directory");
    record.bytes = archive_.subspan(begin, sizes.packed);
    records_.push_back(record);
    ranges_.push_back({offset, begin + sizes.packed, record.name});
  }

  void check_overlaps() {
    std::sort(ranges_.begin(), ranges_.end(),
              [](const Range& a, const Range& b) { return a.begin < b.begin; });
    for (std::size_t i = 1; i < ranges_.size(); ++i)
      if (ranges_[i].begin < ranges_[i - 1].end)
        refuse(fmt::format("records \"{}\" and \"{}\" overlap", printable(ranges_[i - 1].name),
                           printable(ranges_[i].name)));
  }

  std::span<const std::byte> archive_;
  const std::string& file_;
  std::uint64_t count_ = 0, size_ = 0, directory_ = 0, directory_end_ = 0;
  std::vector<ZipRecord> records_;
  std::vector<Range> ranges_;
  std::set<std::string_view> names_;
};

}  // namespace

std::vector<ZipRecord> read_stored_zip(std::span<const std::byte> archive, const std::string& file) {
  return ZipReader(archive, file).read();
}

std::uint32_t crc_of(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

void check_crc(const ZipRecord& record, const std::string& file) {
  const std::uint32_t found = crc_of(record.bytes);
  if (found != record.crc)
    fail(
        ErrorKind::data,
        "{}: record \"{}\" has CRC-32 {:08x}, its directory says {:08x}: the file is damaged, or was written "
        "with torch.serialization.set_crc32_options(False)",
        file, printable(record.name), found, record.crc);
}

}  // namespace smlp
