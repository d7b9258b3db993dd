#include "smlp/formats/safetensors.hpp"

#include <gtest/gtest.h>

#include "support/errors.hpp"
#include "support/golden.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::golden_format;
using testing::TempDir;
using testing::write_plainly;

using Shape = std::vector<std::int64_t>;

std::string file_bytes(const std::string& header, std::size_t data) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> 8 * i & 0xff);
  return bytes + header + std::string(data, '\0');
}

std::string error_for(const std::string& bytes) {
  const TempDir folder;
  write_plainly(folder / "x.safetensors", bytes);
  const auto message = error_of(ErrorKind::data, [&] { SafetensorsFile file(folder / "x.safetensors"); });
  EXPECT_NE(message.find("x.safetensors: "), std::string::npos) << message;
  return message;
}

TEST(Safetensors, ReadsWhatTheReferenceWrote) {
  const SafetensorsFile file(golden_format("reference.safetensors"));
  ASSERT_EQ(file.entries().size(), 6u);
  EXPECT_EQ(file.metadata().at("made by"), "the \"reference\"");
  const SafetensorsEntry& weight = file.at("stem.weight");
  EXPECT_EQ(weight.dtype, "F32");
  EXPECT_EQ(weight.shape, (Shape{2, 3}));
  std::vector<float> numbers(6);
  std::memcpy(numbers.data(), weight.bytes.data(), weight.bytes.size());
  EXPECT_EQ(numbers, (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(file.at("stem.bias").dtype, "BF16");
  EXPECT_EQ(file.at("step").shape, Shape{});
  EXPECT_EQ(file.at("nothing").shape, (Shape{0, 4}));
  EXPECT_EQ(file.at("größe").bytes.size(), 8u);
  EXPECT_NE(error_of(ErrorKind::data, [&] { file.at("head.weight"); }).find("no tensor \"head.weight\""),
            std::string::npos);
}

TEST(Safetensors, WritesTheBytesThatTheReferenceWrites) {
  const TempDir folder;
  const SafetensorsFile file(golden_format("reference.safetensors"));
  write_safetensors(folder / "ours", file.entries(), file.metadata());
  EXPECT_EQ(read_file(folder / "ours", 10'000), read_file(golden_format("reference.safetensors"), 10'000));
  write_safetensors(folder / "empty", {});
  EXPECT_TRUE(SafetensorsFile(folder / "empty").entries().empty());
}

TEST(Safetensors, DoesNotWriteWhatItWouldNotRead) {
  const TempDir folder;
  const std::vector<std::byte> bytes(8);
  const std::vector<SafetensorsEntry> doubled{{"a", "F32", {2}, bytes}, {"a", "F32", {2}, bytes}};
  const std::vector<SafetensorsEntry> too_short{{"a", "F32", {3}, bytes}};
  const std::vector<SafetensorsEntry> not_utf8{{"\xff", "F32", {2}, bytes}};
  for (const auto& entries : {doubled, too_short, not_utf8})
    error_of(ErrorKind::failed, [&] { write_safetensors(folder / "file", entries); });
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Safetensors, RefusesAFileCutAnywhereOrTooLong) {
  const std::string whole = read_file(golden_format("reference.safetensors"), 10'000);
  for (std::size_t size = 0; size < whole.size(); ++size) error_for(whole.substr(0, size));
  error_for(whole + "x");
}

TEST(Safetensors, SurvivesAChangeOfAnyBit) {
  const TempDir folder;
  const std::string whole = read_file(golden_format("reference.safetensors"), 10'000);
  std::size_t read = 0;
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ 1 << bit);
      write_plainly(folder / "x", changed);
      try {
        const SafetensorsFile file(folder / "x");
        for (const SafetensorsEntry& entry : file.entries())
          EXPECT_EQ(entry.bytes.size(), file.at(entry.name).bytes.size());
        ++read;
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::data) << error.what();
      }
    }
  EXPECT_GT(read, 0u);  // letters of names, the tensors' data
}

TEST(Safetensors, RefusesDoubledKeys) {
  const std::string a = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  EXPECT_NE(error_for(file_bytes("{" + a + "," + a + "}", 1)).find("\"a\" is doubled"), std::string::npos);
  error_for(file_bytes(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1));
  error_for(file_bytes(R"({"__metadata__":{"x":"1","x":"2"}})", 0));
  error_for(file_bytes(R"({"__metadata__":{},"__metadata__":{}})", 0));
}

TEST(Safetensors, RefusesHolesOverlapsAndWrongSizes) {
  const auto two = [](const std::string& first, const std::string& second, std::size_t data) {
    return file_bytes(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                          R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                      data);
  };
  EXPECT_NE(error_for(two("[0,4]", "[5,9]", 9)).find("hole or overlap"), std::string::npos);
  EXPECT_NE(error_for(two("[0,4]", "[3,7]", 7)).find("hole or overlap"), std::string::npos);
  error_for(two("[1,5]", "[5,9]", 9));
  error_for(two("[4,0]", "[4,8]", 8));
  error_for(two("[0,4]", "[0,4]", 4));
  EXPECT_NE(error_for(two("[0,4]", "[4,9]", 9)).find("its shape needs 4"), std::string::npos);
  EXPECT_NE(error_for(two("[0,4]", "[4,8]", 9)).find("9 bytes of data"), std::string::npos);
  error_for(two("[0,4]", "[4,18446744073709551615]", 8));
  for (const char* shape : {"[4611686018427387904,4]", "[4611686018427387904,4611686018427387904,0]",
                            "[9223372036854775808]", "[18446744073709551615]"})
    error_for(
        file_bytes(std::string(R"({"a":{"dtype":"F32","shape":)") + shape + R"(,"data_offsets":[0,0]}})", 0));
}

// As the reference implementation does, which gains types from time to time.
TEST(Safetensors, TakesNullMetadataAndTypesThatNoModelHas) {
  const TempDir folder;
  write_file_atomically(
      folder / "file",
      file_bytes(R"({"__metadata__":null,"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]},)"
                 R"("b":{"dtype":"C64","shape":[1],"data_offsets":[2,10]},)"
                 R"("c":{"dtype":"F4","shape":[3],"data_offsets":[10,12]}})",
                 12));
  const SafetensorsFile file(folder / "file");
  EXPECT_TRUE(file.metadata().empty());
  EXPECT_EQ(file.at("a").bytes.size(), 2u);
  EXPECT_EQ(file.at("b").dtype, "C64");
  EXPECT_EQ(file.at("c").bytes.size(), 2u);
}

TEST(Safetensors, RefusesMalformedHeaders) {
  for (const char* header :
       {"", "[]", " {}", "{", "{}x", "null", R"({"a":1})", R"({"a":[]})", R"({"a":{}})",
        R"({"__metadata__":{"a":1}})", R"({"__metadata__":{"a":{"b":"c"}}})",
        R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0]}})",
        R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}})",
        R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})",
        R"({"a":{"dtype":"U8","shape":[[0]],"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"U8","shape":0,"data_offsets":[0,0]}})",
        R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":0}})", "{\"\xff\":{}}"})
    error_for(file_bytes(header, 0));
  error_for(file_bytes("{" + std::string(100'000, '{'), 0));
  const std::string just_too_long = std::string("\x01\xe1\xf5\x05\0\0\0\0", 8) + "{}";  // 100,000,001
  EXPECT_NE(error_for(just_too_long).find("at most 100000000"), std::string::npos);
  const std::string longest = std::string("\x00\xe1\xf5\x05\0\0\0\0", 8) + "{}";
  EXPECT_NE(error_for(longest).find("within its header of 100000000"), std::string::npos);
  std::string long_header(8, '\xff');
  EXPECT_NE(error_for(long_header + "{}").find("at most 100000000"), std::string::npos);
}

}  // namespace
}  // namespace smlp
