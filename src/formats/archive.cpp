#include "smlp/formats/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <xxhash.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <unordered_set>
#include <utility>

#include "folder_walk.hpp"
#include "joined_zip.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

constexpr std::int64_t free_bytes = 10 << 20;  // unpacked before the ratio counts
constexpr std::int64_t ratio_limit = 1000;
constexpr std::size_t block_bytes = 1 << 16;

// libarchive converts names to the thread's locale, and gives none in the "C" locale.
class Utf8Locale {
 public:
  Utf8Locale() : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_ != nullptr) before_ = uselocale(locale_);
  }
  ~Utf8Locale() {
    if (locale_ == nullptr) return;
    uselocale(before_);
    freelocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;

 private:
  locale_t locale_, before_ = nullptr;
};

struct FreeArchive {
  void operator()(archive* handle) const { archive_read_free(handle); }
};

class ArchiveReader {
 public:
  ArchiveReader(std::string name, const WantedEntry& wanted, const VisitEntry& visit)
      : name_(std::move(name)), wanted_(wanted), visit_(visit), handle_(archive_read_new()) {
    if (!handle_) fail(ErrorKind::failed, "cannot read {}: out of memory", name_);
    archive_read_support_filter_gzip(handle_.get());
    archive_read_support_filter_bzip2(handle_.get());
    archive_read_support_filter_xz(handle_.get());
    archive_read_support_filter_zstd(handle_.get());
    archive_read_support_format_tar(handle_.get());
    archive_read_set_format_option(handle_.get(), "tar", "read_concatenated_archives", "1");
    archive_read_support_format_zip_seekable(handle_.get());  // by its directory: a cut-off file has none
  }

  void open(const fs::path& path) {
    if (archive_read_open_filename(handle_.get(), path.c_str(), block_bytes) != ARCHIVE_OK) broken("");
  }
  void open(ArchiveEntry& outer) {
    outer_ = &outer;
    outer_buffer_.resize(block_bytes);
    if (archive_read_open(handle_.get(), this, nullptr, read_outer, nullptr) != ARCHIVE_OK) broken("");
  }

  // file: the archive's own bytes, where it is not an entry of another.
  void read(std::span<const std::byte> file) {
    archive_entry* entry = nullptr;
    while (true) {
      const int result = archive_read_next_header(handle_.get(), &entry);
      if (result == ARCHIVE_EOF) break;
      if (result != ARCHIVE_OK && result != ARCHIVE_WARN) broken("");
      const std::string path = checked_path(entry);
      if (archive_entry_filetype(entry) == AE_IFDIR) {
        if (!path.empty()) wanted_(path + '/');
        continue;
      }
      if (path.empty()) refuse(path, "has no name");
      if (!seen_.insert(XXH3_64bits(path.data(), path.size())).second)
        refuse(
            path,
            "is there twice, as after tar --append or --update; unpack the archive, which keeps the last of "
            "them, and name the folder");
      if (wanted_(path)) {
        check_wanted(entry, path);
        Entry streamed(*this, path, entry);
        visit_(streamed);
      }
      skip_rest(path);
    }
    check_end();
    check_tail(file);
  }

 private:
  class Entry : public ArchiveEntry {
   public:
    Entry(ArchiveReader& reader, const std::string& path, archive_entry* entry)
        : ArchiveEntry(reader.name_, path),
          reader_(reader),
          sized_(archive_entry_size_is_set(entry) != 0),
          size_(sized_ ? static_cast<std::uint64_t>(std::max<la_int64_t>(0, archive_entry_size(entry))) : 0) {
    }

   protected:
    std::size_t read_some(std::span<std::byte> buffer) override {
      const la_ssize_t got = archive_read_data(reader_.handle_.get(), buffer.data(), buffer.size());
      if (got < 0) reader_.broken(path());
      used_ += static_cast<std::uint64_t>(got);
      if (sized_ && used_ > size_) reader_.refuse(path(), "is longer than its header says");
      if (sized_ && got == 0 && used_ < size_) reader_.refuse(path(), "is shorter than its header says");
      reader_.delivered_ += got;
      reader_.check_ratio(path());
      return static_cast<std::size_t>(got);
    }
    std::uint64_t size_hint() const override { return size_; }

   private:
    ArchiveReader& reader_;
    const bool sized_;
    const std::uint64_t size_;
    std::uint64_t used_ = 0;
  };

  // libarchive calls this from C: an exception is kept until it has returned.
  static la_ssize_t read_outer(archive*, void* self, const void** block) {
    auto& reader = *static_cast<ArchiveReader*>(self);
    try {
      *block = reader.outer_buffer_.data();
      return static_cast<la_ssize_t>(reader.outer_->read(reader.outer_buffer_));
    } catch (...) {
      reader.outer_error_ = std::current_exception();
      return -1;
    }
  }

  [[noreturn]] void refuse(std::string_view path, std::string_view reason) const {
    fail(ErrorKind::data, "{}: entry \"{}\" {}", name_, printable(path), reason);
  }

  [[noreturn]] void broken(std::string_view path) const {
    if (outer_error_) std::rethrow_exception(outer_error_);
    const char* const reason = archive_error_string(handle_.get());
    fail(ErrorKind::data, "{}: broken, cut off, or not a tar or zip archive{}: {}", name_,
         path.empty() ? "" : fmt::format(", in entry \"{}\"", printable(path)),
         reason != nullptr ? printable(reason) : "unknown error");
  }

  // The entry's path without "." parts; refuses what does not lie below the archive's root.
  std::string checked_path(archive_entry* entry) const {
    const char* raw = archive_entry_pathname(entry);
    if (raw == nullptr) raw = archive_entry_pathname_utf8(entry);
    if (raw == nullptr) fail(ErrorKind::data, "{}: an entry's name is not UTF-8", name_);
    const std::string_view text(raw);
    if (text.starts_with('/')) refuse(text, "has an absolute path");
    std::string path;
    for (std::size_t start = 0; start <= text.size();) {
      const std::size_t end = std::min(text.find('/', start), text.size());
      const std::string_view part = text.substr(start, end - start);
      if (part == "..") refuse(text, "leads outside the archive");
      if (!part.empty() && part != ".") path.append(path.empty() ? "" : "/").append(part);
      start = end + 1;
    }
    return path;
  }

  void check_wanted(archive_entry* entry, const std::string& path) const {
    if (!is_utf8(path)) refuse(path, "has a name that is not UTF-8");
    if (archive_entry_hardlink(entry) != nullptr || archive_entry_symlink(entry) != nullptr)
      refuse(path, "is a link; unpack the archive and name the folder, where links are followed");
    if (archive_entry_filetype(entry) != AE_IFREG) refuse(path, "is a device or a pipe");
  }

  void skip_rest(const std::string& path) {
    if (archive_filter_count(handle_.get()) == 1) {  // not compressed as a whole: skipping costs nothing
      if (archive_read_data_skip(handle_.get()) != ARCHIVE_OK) broken(path);
      return;
    }
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    int result = ARCHIVE_OK;
    while ((result = archive_read_data_block(handle_.get(), &block, &size, &offset)) == ARCHIVE_OK)
      check_ratio(path);
    if (result != ARCHIVE_EOF) broken(path);
  }

  void check_ratio(const std::string& path) const {
    const std::int64_t unpacked = std::max<std::int64_t>(delivered_, archive_filter_bytes(handle_.get(), 0));
    const std::int64_t packed = std::max<std::int64_t>(1, archive_filter_bytes(handle_.get(), -1));
    if (unpacked > free_bytes && unpacked / ratio_limit > packed)
      refuse(path, "unpacks to over 1,000 times its packed size: not a data set");
  }

  // A tar archive ends with blocks of zeros; libarchive also accepts the end of the file, where it may have
  // been cut.
  void check_end() const {
    const bool tar = (archive_format(handle_.get()) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
    if (tar && archive_filter_bytes(handle_.get(), 0) < archive_read_header_position(handle_.get()) + 512)
      fail(ErrorKind::data, "{}: the archive is cut off: its end marker is missing", name_);
  }

  // A decompressor stops at what is no further stream of its kind. Zeros pad files on tapes and disks.
  void check_tail(std::span<const std::byte> file) const {
    const auto used =
        static_cast<std::size_t>(std::max<la_int64_t>(0, archive_filter_bytes(handle_.get(), -1)));
    if (archive_filter_count(handle_.get()) == 1 || used >= file.size()) return;
    const std::span<const std::byte> tail = file.subspan(used);
    if (std::ranges::any_of(tail, [](std::byte each) { return each != std::byte{0}; }))
      fail(ErrorKind::data,
           "{}: {} bytes follow the compressed archive and are none; cut them off, or unpack it by hand",
           name_, tail.size());
  }

  const std::string name_;
  const WantedEntry& wanted_;
  const VisitEntry& visit_;
  ArchiveEntry* outer_ = nullptr;  // the archive's own bytes, when it lies in another
  std::vector<std::byte> outer_buffer_;
  std::exception_ptr outer_error_;
  std::unique_ptr<archive, FreeArchive> handle_;
  std::unordered_set<std::uint64_t> seen_;  // hashes of the paths: millions of them
  std::int64_t delivered_ = 0;
};

}  // namespace

void read_archive(const std::filesystem::path& path, const WantedEntry& wanted, const VisitEntry& visit) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) fail(ErrorKind::data, "{}: there is no such file or folder", path.string());
  if (fs::is_directory(status)) return walk_folder(path, wanted, visit);
  if (!fs::is_regular_file(status)) fail(ErrorKind::data, "{} is neither a file nor a folder", path.string());
  const MappedFile file(path);
  if (is_joined_zip(file.bytes()))
    fail(ErrorKind::data,
         "{}: several zip archives joined, of which only the last can be read; unpack each and name the "
         "folder",
         path.string());
  const Utf8Locale locale;
  ArchiveReader reader(path.string(), wanted, visit);
  reader.open(path);
  reader.read(file.bytes());
}

void read_archive(ArchiveEntry& archive, const WantedEntry& wanted, const VisitEntry& visit) {
  const Utf8Locale locale;
  ArchiveReader reader(archive.where(), wanted, visit);
  reader.open(archive);
  reader.read({});
}

}  // namespace smlp
