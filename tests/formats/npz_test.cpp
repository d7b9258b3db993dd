#include "smlp/formats/npz.hpp"

#include <gtest/gtest.h>

#include "smlp/formats/npy.hpp"
#include "support/errors.hpp"
#include "support/stored_zip.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::stored_zip;

std::string golden() {
  return read_file(fs::path(SMLP_SOURCE_DIR) / "tests/golden/foreign/google_mixer.npz", 1 << 20);
}

std::string array(std::string_view type, std::vector<std::int64_t> shape, const std::string& data) {
  return npy_header_bytes(type, shape) + data;
}

NpzFile read(const std::string& bytes) {
  return {std::as_bytes(std::span(bytes)), "x.npz"};
}

void expect_refused(const std::string& bytes, const std::string& words) {
  const std::string message = error_of(ErrorKind::data, [&] { read(bytes); });
  EXPECT_TRUE(message.starts_with("x.npz: ")) << message;
  EXPECT_NE(message.find(words), std::string::npos) << message;
}

// NumPy writes the sizes of its records twice, the second time in 64 bits.
TEST(Npz, ReadsWhatNumPyWrote) {
  const std::string bytes = golden();
  const NpzFile file = read(bytes);
  ASSERT_EQ(file.entries().size(), 30u);
  EXPECT_EQ(file.entries()[0].name, "stem.kernel");
  EXPECT_EQ(file.entries()[0].dtype, "F16");
  EXPECT_EQ(file.entries()[0].shape, (std::vector<std::int64_t>{4, 4, 3, 12}));
  EXPECT_EQ(file.entries()[0].bytes.size(), 2u * 4 * 4 * 3 * 12);
  EXPECT_EQ(file.entries()[2].name, "MixerBlock_0.LayerNorm_0.scale");
}

TEST(Npz, RefusesAFileCutAnywhereAndSurvivesAChangeOfAnyByte) {
  const std::string whole = golden();
  for (std::size_t size = 0; size < whole.size(); size += 7)
    error_of(ErrorKind::data, [&] { read(whole.substr(0, size)); });
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    try {
      read(changed);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
    }
  }
}

TEST(Npz, RefusesWhatIsNoArrayOrOneThatIsNotReadInPlace) {
  const std::string four = array("<f4", {1}, "1234");
  EXPECT_EQ(read(stored_zip({{"a/b.npy", four}})).entries().at(0).name, "a.b");
  expect_refused(stored_zip({{"a.txt", "x"}}), "\"a.txt\" is no array");
  expect_refused(stored_zip({{"a.npy", four + "5"}}), "5 bytes of data");
  expect_refused(stored_zip({{"a.npy", array(">f4", {1}, "1234")}}), "big-endian");
  expect_refused(stored_zip({{"a/b.npy", four}, {"a.b.npy", four}}), "two arrays are called \"a.b\"");
  std::string compressed = stored_zip({{"a.npy", four}});
  const std::size_t central = compressed.rfind("PK\1\2");
  compressed[8] = compressed[central + 10] = '\x08';
  expect_refused(compressed, "numpy.savez");
}

}  // namespace
}  // namespace smlp
