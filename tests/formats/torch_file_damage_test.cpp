// Damaged archives: whatever was changed, a file is read or refused, and what was read can be used.
#include <gtest/gtest.h>

#include "smlp/formats/torch_file.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"
#include "support/stored_zip.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::little_endian;
using testing::stored_zip;
using testing::ZipContents;

std::string golden_bytes(const std::string& name) {
  return read_file(testing::golden_format("torch_file/" + name), 100'000);
}

std::string error_for(const std::string& bytes) {
  return error_of(ErrorKind::data, [&] { TorchFile file(std::as_bytes(std::span(bytes)), "x.pt"); });
}

void expect_error(const std::string& bytes, const std::string& words) {
  const std::string message = error_for(bytes);
  EXPECT_TRUE(message.starts_with("x.pt: ")) << message;
  EXPECT_NE(message.find(words), std::string::npos) << message;
}

// True when it was read.
bool read_or_refuse(const std::string& bytes) {
  try {
    const TorchFile file(std::as_bytes(std::span(bytes)), "x.pt");
    unsigned sum = 0;
    for (const SafetensorsEntry& entry : file.entries())
      for (const std::byte byte : entry.bytes) sum += std::to_integer<unsigned>(byte);
    volatile unsigned used = sum;  // under the address sanitizer: every byte is there
    static_cast<void>(used);
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
    return false;
  }
}

ZipContents views() {
  return testing::zip_contents(golden_bytes("views.pt"));
}

TEST(TorchFileDamage, RefusesAFileCutAnywhereOrTooLong) {
  for (const auto& [name, words] :
       {std::pair("parameters.pt", "cut off?"), std::pair("checkpoint.pt", "cut off?"),
        std::pair("legacy.pt", "1 bytes follow its storages")}) {
    const std::string whole = golden_bytes(name);
    for (std::size_t size = 0; size < whole.size(); ++size) error_for(whole.substr(0, size));
    expect_error(whole + "x", words);
  }
}

TEST(TorchFileDamage, SurvivesAChangeOfAnyBit) {
  for (const char* name : {"parameters.pt", "negated.pt", "legacy_views.pt"}) {
    const std::string whole = golden_bytes(name);
    std::size_t read = 0;
    for (std::size_t i = 0; i < whole.size(); ++i)
      for (int bit = 0; bit < 8; ++bit) {
        std::string changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ 1 << bit);
        if (read_or_refuse(changed)) ++read;
      }
    EXPECT_GT(read, 0u);  // padding, serialization_id
  }
}

std::string legacy_of(const std::string& tensors, const std::string& keys, const std::string& storages,
                      const std::string& machine = "}X\x0d" + std::string(3, '\0') + "little_endian\x88s",
                      int version = 1001) {
  const auto pickle = [](const std::string& body) { return "\x80\x02" + body + "."; };
  return pickle("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") +
         pickle("M" + little_endian(version, 2)) + pickle(machine) + pickle(tensors) + pickle(keys) +
         storages;
}

TEST(TorchFileDamage, RefusesLegacyFilesThatContradictThemselves) {
  const std::string tensor =
      "ctorch._utils\n_rebuild_tensor\n((U\7storagectorch\nFloatStorage\nU\1kU\3cpuK\2NtQK" +
      std::string(1, '\0') + "K\2\x85K\1\x85tR";
  const std::string two = little_endian(2, 8) + "01234567", none = little_endian(0, 8);
  EXPECT_TRUE(read_or_refuse(legacy_of(tensor, "]U\1ka", two)));
  expect_error(legacy_of(tensor, "]", ""), "storage k is not in its list");
  expect_error(legacy_of(tensor, "]U\1ka", none), "storage k has 0 elements, 2 are wanted");
  expect_error(legacy_of(tensor, "](U\1kU\1ke", two + two), "storage k is there twice");
  expect_error(legacy_of(tensor, "](U\1kU\1xe", two + two), "\"x\", one of its storages, is of no tensor");
  expect_error(legacy_of(tensor, "](U\1kNe", two + two), "None, one of its storages");
  expect_error(legacy_of(tensor, "N", two), "its list of storages is None");
  expect_error(legacy_of(tensor, "]U\1ka", two, "}"), "not of a little-endian machine");
  expect_error(legacy_of(tensor, "]U\1ka", two, "N"), "not of a little-endian machine");
  expect_error(legacy_of(tensor, "]U\1ka", two, "}", 1000), "its version is the integer 1000");
  const std::string view = "(U\7storagectorch\nFloatStorage\nU\1kU\3cpuK\2(U\1vK\1K\1ttQ";
  expect_error(legacy_of(view, "]U\1ka", two), "storage k is a view of another");
}

TEST(TorchFileDamage, SurvivesAChangeOfAnyByteOfThePickle) {
  ZipContents contents = views();
  ASSERT_EQ(contents[0].first, "views/data.pkl");
  const std::string pickle = contents[0].second;
  std::size_t read = 0;
  for (std::size_t i = 0; i < pickle.size(); ++i) {
    for (const int change : {0x01, 0x02, 0x04, 0x10, 0x80, 0xff}) {
      contents[0].second = pickle;
      contents[0].second[i] = static_cast<char>(pickle[i] ^ change);
      if (read_or_refuse(stored_zip(contents))) ++read;
    }
    contents[0].second = pickle.substr(0, i);
    EXPECT_FALSE(read_or_refuse(stored_zip(contents)));
  }
  EXPECT_GT(read, 0u);  // letters of names, smaller sizes
}

TEST(TorchFileDamage, ReadsArchivesWithoutTheRecordsOfNewerVersions) {
  ZipContents old;
  for (const auto& record : views())
    if (record.first.ends_with(".pkl") || record.first.ends_with("/version") ||
        record.first.find("/data/") != std::string::npos)
      old.push_back(record);
  EXPECT_EQ(old.size(), 4u);
  EXPECT_TRUE(read_or_refuse(stored_zip(old)));
}

TEST(TorchFileDamage, RefusesArchivesThatAreNotOfTorchSave) {
  const auto with = [](const std::string& name, const std::string& data) {
    ZipContents contents = views();
    std::erase_if(contents, [&](const auto& record) { return record.first == name; });
    contents.emplace_back(name, data);
    return stored_zip(contents);
  };
  const auto without = [](const std::string& name) {
    ZipContents contents = views();
    std::erase_if(contents, [&](const auto& record) { return record.first == name; });
    return stored_zip(contents);
  };
  expect_error(with("views/byteorder", "big"), "byteorder is \"big\"");
  expect_error(with("views/version", "x"), "version is \"x\"");
  expect_error(without("views/version"), "version is \"\"");
  expect_error(without("views/data.pkl"), "no data.pkl");
  expect_error(without("views/data/0"), "no record data/0");
  expect_error(with("views/data/0", "too short"), "record data/0 has 9 bytes");
  expect_error(with("other/data/0", ""), "not in the archive's one folder");
  expect_error(with("file", ""), "not in the archive's one folder");
  expect_error(with("views/constants.pkl", ""), "TorchScript");
  for (const char* name : {"", "/views/x", "views/../x", "views\\x", "views/\xff"})
    expect_error(with(name, ""), "no acceptable record name");
  expect_error(with(std::string("views/a\0b", 9), ""), "views/a\\x00b");
  expect_error(with(std::string(2000, 'n'), ""), "no acceptable record name");
  expect_error(stored_zip({}), "not a file as torch.save writes it");
}

TEST(TorchFileDamage, RefusesDirectoriesThatContradictTheRecords) {
  const std::string zip = stored_zip({{"a/data.pkl", "data"}, {"a/version", "3\n"}});
  const std::size_t first = zip.find("PK\1\2"), second = zip.find("PK\1\2", first + 4), end = zip.size() - 22;
  const auto changed = [&](std::size_t at, std::uint64_t value, int size) {
    std::string copy = zip;
    return copy.replace(at, size, little_endian(value, size));
  };
  expect_error(zip, "data.pkl is not of pickle protocol 2");
  expect_error(changed(second + 42, 0, 4), "its local header has another name");
  expect_error(changed(first + 42, 1, 4), "no local header where");
  expect_error(changed(first + 42, 0xfffffffe, 4), "no local header where");
  std::string compressed = changed(first + 10, 8, 2);
  expect_error(compressed, "contradicts the directory");
  expect_error(compressed.replace(8, 2, little_endian(8, 2)), "record \"data.pkl\" is compressed");
  expect_error(changed(first + 20, 3, 4), "has two sizes: 3 and 4");
  expect_error(changed(first + 8, 1, 2), "is encrypted");
  expect_error(changed(8, 8, 2), "contradicts the directory");
  expect_error(changed(6, 2, 2), "contradicts the directory");
  expect_error(changed(18, 5, 4), "contradicts the directory");
  expect_error(changed(first + 16, 5, 4), "contradicts the directory");
  expect_error(changed(26, 9, 2), "another name");
  expect_error(changed(28, 0xffff, 2), "beyond the archive's records");
  expect_error(changed(end + 10, 3, 2), "several volumes");
  expect_error(changed(end + 16, 0, 4), "its directory is said to be at byte 0");
  expect_error(changed(end + 12, 0xffffffff, 4), "its directory is said");
  expect_error(changed(first + 28, 0xffff, 2), "is cut off");
  std::string fewer = changed(end + 8, 1, 2);
  expect_error(fewer.replace(end + 10, 2, little_endian(1, 2)), "its directory of 1 records ends at");
  std::string many = changed(end + 8, 999, 2);
  expect_error(many.replace(end + 10, 2, little_endian(999, 2)), "999 records do not fit");
}

TEST(TorchFileDamage, RefusesOverlapsAndDoubledNames) {
  expect_error(stored_zip({{"a/version", "3\n"}, {"a/version", "3\n"}}), "\"a/version\" is there twice");
  // The first record's data holds the second record, as a bomb would.
  const std::string inner = stored_zip({{"a/b", "data"}});
  std::string zip = stored_zip({{"a/a", inner.substr(0, inner.find("PK\1\2"))}, {"a/b", "data"}});
  const std::size_t second = zip.find("PK\1\2", zip.find("PK\1\2") + 4);
  expect_error(zip.replace(second + 42, 4, little_endian(33, 4)), "records \"a/a\" and \"a/b\" overlap");
}

TEST(TorchFileDamage, NamesTheRecordWhoseChecksumDiffers) {
  std::string whole = golden_bytes("parameters.pt");
  const std::string data = testing::zip_contents(whole).at(4).second;
  const std::size_t at = whole.find(data);
  whole[at] = static_cast<char>(whole[at] ^ 1);
  expect_error(whole, "record \"parameters/data/0\" has CRC-32");
}

}  // namespace
}  // namespace smlp
