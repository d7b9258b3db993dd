#include "smlp/formats/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <clocale>
#include <functional>
#include <map>

#include "smlp/core/files.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::golden_format;
using testing::TempDir;
using testing::write_plainly;

using Files = std::vector<std::pair<std::string, std::string>>;

const auto everything = [](const std::string&) { return true; };

Files read_all(const fs::path& path, const std::function<bool(const std::string&)>& wanted = everything) {
  Files files;
  read_archive(path, wanted, [&](ArchiveEntry& entry) { files.emplace_back(entry.path(), entry.text()); });
  return files;
}

std::string error_for(const fs::path& path) {
  const std::string message = error_of(ErrorKind::data, [&] { read_all(path); });
  EXPECT_NE(message.find(path.filename().string()), std::string::npos) << message;
  return message;
}

// Writes an archive entry by entry, hostile ones included.
class ArchiveMaker {
 public:
  ArchiveMaker(const fs::path& path, int (*format)(archive*), int (*filter)(archive*))
      : handle_(archive_write_new()) {
    format(handle_);
    filter(handle_);
    EXPECT_EQ(archive_write_open_filename(handle_, path.c_str()), ARCHIVE_OK)
        << archive_error_string(handle_);
  }
  ~ArchiveMaker() { archive_write_free(handle_); }

  ArchiveMaker& add(const std::string& path, const std::string& text,
                    const std::function<void(archive_entry*)>& change = {}) {
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_pathname(entry, path.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    if (change) change(entry);
    EXPECT_EQ(archive_write_header(handle_, entry), ARCHIVE_OK) << archive_error_string(handle_);
    archive_write_data(handle_, text.data(), text.size());
    archive_entry_free(entry);
    return *this;
  }

 private:
  archive* handle_;
};

ArchiveMaker tar_at(const fs::path& path, int (*filter)(archive*) = archive_write_add_filter_none) {
  return ArchiveMaker(path, archive_write_set_format_ustar, filter);
}

ArchiveMaker zip_at(const fs::path& path) {
  return ArchiveMaker(path, archive_write_set_format_zip, archive_write_add_filter_none);
}

TEST(Archive, ReadsEveryFormatInItsOrderInAnyLocale) {
  ASSERT_STREQ(std::setlocale(LC_ALL, nullptr), "C");
  const Files wanted{{"b/größe.txt", "first"}, {"a.txt", ""}, {"b/empty", ""}};
  for (const char* name : {"pax.tar.gz", "gnu.tar.bz2", "ustar.tar.xz", "deflated.zip"}) {
    Files found = read_all(golden_format(name));
    ASSERT_EQ(found.size(), 3u) << name;
    EXPECT_EQ(found[1].second.size(), 600u) << name;
    found[1].second.clear();
    EXPECT_EQ(found, wanted) << name;
  }
  const TempDir folder;
  tar_at(folder / "x.tar.zst", archive_write_add_filter_zstd).add("./a//b", "text").add("c", "");
  EXPECT_EQ(read_all(folder / "x.tar.zst"), (Files{{"a/b", "text"}, {"c", ""}}));
  { tar_at(folder / "empty.tar"); }
  EXPECT_EQ(read_all(folder / "empty.tar"), Files{});
}

// Several archives in one file, as cat joins them.
void join(const fs::path& target, const std::vector<fs::path>& parts, const std::string& tail = "") {
  std::string bytes;
  for (const fs::path& each : parts) bytes += read_file(each, 1 << 20);
  write_plainly(target, bytes + tail);
}

TEST(Archive, ReadsAllOfTarFilesJoinedWithCat) {
  const TempDir folder;
  const Files both{{"a", "first"}, {"b", "second"}};
  for (const auto filter :
       {archive_write_add_filter_none, archive_write_add_filter_gzip, archive_write_add_filter_bzip2,
        archive_write_add_filter_xz, archive_write_add_filter_zstd}) {
    { tar_at(folder / "1.tar", filter).add("a", "first"); }
    { tar_at(folder / "2.tar", filter).add("b", "second"); }
    join(folder / "both.tar", {folder / "1.tar", folder / "2.tar"});
    EXPECT_EQ(read_all(folder / "both.tar"), both);
  }
  { tar_at(folder / "1.tar").add("a", "first"); }
  { tar_at(folder / "same.tar").add("a", "another"); }
  join(folder / "twice.tar", {folder / "1.tar", folder / "same.tar"});
  EXPECT_NE(error_for(folder / "twice.tar").find("\"a\" is there twice"), std::string::npos);
}

TEST(Archive, RefusesWhatFollowsATarFileAndIsNone) {
  const TempDir folder;
  { tar_at(folder / "1.tar").add("a", "first"); }
  for (const std::string& tail : {std::string(512, 'x'), std::string("short"), std::string(700, 'x')}) {
    join(folder / "tail.tar", {folder / "1.tar"}, tail);
    error_for(folder / "tail.tar");
  }
  for (const auto filter : {archive_write_add_filter_gzip, archive_write_add_filter_bzip2,
                            archive_write_add_filter_xz, archive_write_add_filter_zstd}) {
    { tar_at(folder / "2.tar", filter).add("b", "second"); }
    join(folder / "tail.tar", {folder / "2.tar", folder / "1.tar"});
    error_for(folder / "tail.tar");
    if (filter == archive_write_add_filter_zstd) continue;  // its library refuses zeros too
    join(folder / "padded.tar", {folder / "2.tar"}, std::string(1000, '\0'));
    EXPECT_EQ(read_all(folder / "padded.tar").size(), 1u);
  }
  join(folder / "padded.tar", {folder / "1.tar"}, std::string(20 * 512, '\0'));
  EXPECT_EQ(read_all(folder / "padded.tar").size(), 1u);
}

TEST(Archive, RefusesZipFilesJoinedWithCat) {
  const TempDir folder;
  { zip_at(folder / "1.zip").add("a", "first"); }
  { zip_at(folder / "2.zip").add("b", "second"); }
  join(folder / "both.zip", {folder / "1.zip", folder / "2.zip"});
  EXPECT_NE(error_for(folder / "both.zip").find("several zip archives joined"), std::string::npos);
  write_plainly(folder / "program", "#!/bin/sh\n");
  join(folder / "unpacks-itself.zip", {folder / "program", folder / "1.zip"});
  EXPECT_EQ(read_all(folder / "unpacks-itself.zip"), (Files{{"a", "first"}}));
}

TEST(Archive, SkipsWhatIsNotWanted) {
  const auto only_a = [](const std::string& path) { return path == "a.txt"; };
  for (const char* name : {"pax.tar.gz", "deflated.zip"}) {
    const Files found = read_all(golden_format(name), only_a);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].first, "a.txt");
  }
}

TEST(Archive, CutAnywhereIsRefused) {
  const TempDir folder;
  const std::string text(100, 'x');
  { tar_at(folder / "x.tar").add("a", text).add("b", text); }
  { zip_at(folder / "x.zip").add("a", text).add("b", text); }
  { tar_at(folder / "x.tar.gz", archive_write_add_filter_gzip).add("a", text).add("b", text); }
  for (const char* name : {"x.tar", "x.zip", "x.tar.gz"}) {
    const std::string whole = read_file(folder / name, 100'000);
    // A tar file's end, after one block of zeros, is padding.
    const std::size_t needed = std::string(name) == "x.tar" ? 2 * (512 + 512) + 512 : whole.size();
    for (std::size_t size = 0; size < needed; size += std::string(name) == "x.tar" ? 8 : 1) {
      write_plainly(folder / "cut", whole.substr(0, size));
      Files found;
      try {
        found = read_all(folder / "cut");
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::data);
        continue;
      }
      ASSERT_EQ(found.size(), 2u) << name << " cut at "
                                  << size;  // all was there but the stream's own trailer
      ASSERT_EQ(std::string(name), "x.tar.gz") << size;
    }
  }
}

TEST(Archive, RefusesPathsThatLeadOutside) {
  const TempDir folder;
  for (const char* path : {"../up", "a/../../up", "/etc/absolute", "a/.."}) {
    { tar_at(folder / "x.tar").add(path, "text"); }
    error_for(folder / "x.tar");
    { zip_at(folder / "x.zip").add(path, "text"); }
    error_for(folder / "x.zip");
  }
  { tar_at(folder / "x.tar").add("a/..b/...", "text"); }
  EXPECT_EQ(read_all(folder / "x.tar").size(), 1u);
}

TEST(Archive, RefusesLinksAndDevices) {
  const TempDir folder;
  const std::function<void(archive_entry*)> changes[] = {
      [](archive_entry* entry) {
        archive_entry_set_filetype(entry, AE_IFLNK);
        archive_entry_set_symlink(entry, "/etc/passwd");
      },
      [](archive_entry* entry) { archive_entry_set_hardlink(entry, "a"); },
      [](archive_entry* entry) { archive_entry_set_filetype(entry, AE_IFCHR); },
      [](archive_entry* entry) { archive_entry_set_filetype(entry, AE_IFIFO); },
  };
  for (const auto& change : changes) {
    { tar_at(folder / "x.tar").add("a", "text").add("b", "", change); }
    EXPECT_NE(error_for(folder / "x.tar").find("\"b\" is a "), std::string::npos);
    EXPECT_EQ(read_all(folder / "x.tar", [](const std::string& path) { return path == "a"; }).size(), 1u);
  }
}

TEST(Archive, RefusesDoubledAndForeignNames) {
  const TempDir folder;
  { tar_at(folder / "x.tar").add("a/b", "1").add("./a/b", "2"); }
  EXPECT_NE(error_for(folder / "x.tar").find("\"a/b\" is there twice"), std::string::npos);
  { tar_at(folder / "x.tar").add("gr\xf6sse", "1"); }
  EXPECT_NE(error_for(folder / "x.tar").find("gr\\xf6sse\" has a name that is not UTF-8"), std::string::npos);
  EXPECT_EQ(read_all(folder / "x.tar", [](const std::string&) { return false; }), Files{});
}

TEST(Archive, RefusesBombsWhetherWantedOrNot) {
  const TempDir folder;
  const std::string zeros(40 << 20, '\0');
  { tar_at(folder / "x.tar.zst", archive_write_add_filter_zstd).add("zeros", zeros); }
  EXPECT_NE(error_for(folder / "x.tar.zst").find("1,000 times"), std::string::npos);
  error_of(ErrorKind::data,
           [&] { read_all(folder / "x.tar.zst", [](const std::string&) { return false; }); });
}

TEST(Archive, RefusesASparseEntryThatIsMostlyHole) {
  const TempDir folder;
  ArchiveMaker(folder / "x.tar", archive_write_set_format_pax, archive_write_add_filter_none)
      .add("hole", "x", [](archive_entry* entry) {
        archive_entry_set_size(entry, 900 << 20);
        archive_entry_sparse_add_entry(entry, 0, 1);
      });
  EXPECT_NE(error_for(folder / "x.tar").find("1,000 times"), std::string::npos);
}

TEST(Archive, RefusesAnEntryOverItsLimitBeforeReadingIt) {
  const TempDir folder;
  { tar_at(folder / "x.tar").add("large", "text"); }
  std::string bytes = read_file(folder / "x.tar", 100'000);
  bytes.replace(124, 12, std::string("30000000000\0", 12));  // 3 GiB, in octal
  unsigned sum = 8 * ' ';                                    // the checksum counts itself as blanks
  for (std::size_t i = 0; i < 512; ++i)
    sum += i / 4 == 37 || i / 4 == 38 ? 0u : static_cast<unsigned char>(bytes[i]);
  bytes.replace(148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  write_file_atomically(folder / "x.tar", bytes);
  EXPECT_NE(error_for(folder / "x.tar").find("larger than 1 GiB"), std::string::npos);
}

TEST(Archive, RefusesOtherFormatsAndDamage) {
  const TempDir folder;
  ArchiveMaker(folder / "x.cpio", archive_write_set_format_cpio, archive_write_add_filter_none)
      .add("a", "text");
  error_for(folder / "x.cpio");
  write_file_atomically(folder / "text", "not an archive\n");
  error_for(folder / "text");
  write_file_atomically(folder / "empty", "");
  error_for(folder / "empty");
  error_for(folder / "missing");
  { zip_at(folder / "x.zip").add("a", std::string(2000, 'x') + "y"); }
  std::string damaged = read_file(folder / "x.zip", 100'000);
  const std::size_t checksum = damaged.find("PK\1\2") + 16;
  damaged[checksum] ^= 1;
  write_file_atomically(folder / "x.zip", damaged);
  error_for(folder / "x.zip");
}

TEST(Folder, IsWalkedInBytewiseOrderOfThePathsAndFollowsLinks) {
  const TempDir folder;
  for (const char* path : {"set/a/2", "set/a/10", "set/a.txt", "set/a-b/x", "set/Z", "elsewhere/file"}) {
    fs::create_directories((folder / path).parent_path());
    write_file_atomically(folder / path, path);
  }
  fs::create_symlink("../elsewhere", folder / "set/b");
  fs::create_symlink("../elsewhere/file", folder / "set/c");
  Files found = read_all(folder / "set");
  std::vector<std::string> paths;
  for (const auto& [path, text] : found) paths.push_back(path);
  EXPECT_EQ(paths, (std::vector<std::string>{"Z", "a-b/x", "a.txt", "a/10", "a/2", "b/file", "c"}));
  EXPECT_EQ(found[6].second, "elsewhere/file");
}

TEST(Folder, RefusesLoopsBrokenLinksAndForeignNames) {
  const TempDir folder;
  fs::create_directories(folder / "loop/a");
  fs::create_symlink("..", folder / "loop/a/up");
  EXPECT_NE(error_for(folder / "loop").find("linked into itself"), std::string::npos);
  fs::create_directory(folder / "broken");
  fs::create_symlink("nowhere", folder / "broken/link");
  error_for(folder / "broken");
  EXPECT_EQ(read_all(folder / "broken", [](const std::string&) { return false; }), Files{});
  fs::create_directory(folder / "foreign");
  write_file_atomically(folder / "foreign" / "gr\xf6sse", "");
  EXPECT_NE(error_for(folder / "foreign").find("not UTF-8"), std::string::npos);
  EXPECT_EQ(read_all(folder / "foreign", [](const std::string&) { return false; }), Files{});
}

TEST(Folder, DoesNotEnterFoldersThatAreNotWanted) {
  const TempDir folder;
  fs::create_directories(folder / "set/other");
  fs::create_symlink(".", folder / "set/other/loop");
  write_file_atomically(folder / "set/a", "text");
  EXPECT_EQ(read_all(folder / "set", [](const std::string& path) { return path != "other/"; }).size(), 1u);
}

}  // namespace
}  // namespace smlp
