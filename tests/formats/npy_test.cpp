#include "smlp/formats/npy.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "support/errors.hpp"
#include "support/golden.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::golden_format;
using testing::TempDir;
using testing::values;
using testing::write_plainly;

using Shape = std::vector<std::int64_t>;

NpyHeader parse(const std::string& bytes) {
  return parse_npy_header(std::as_bytes(std::span(bytes)), "file.npy");
}

std::string with_header(const std::string& text) {
  std::string bytes("\x93NUMPY\1\0", 8);
  bytes += {static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return bytes + text;
}

TEST(Npy, ReadsNumpysFilesOfEveryType) {
  for (const char* type : {"u1", "i1", "b1", "i2", "i4", "i8", "u2", "u4", "u8", "f2", "f4", "f8"}) {
    const NpyFile file(golden_format(std::string("type_") + type + ".npy"));
    EXPECT_EQ(file.header().dtype.substr(1), type);
    EXPECT_EQ(file.header().shape, (Shape{2, 3}));
  }
  EXPECT_EQ(values<double>(NpyFile(golden_format("type_f8.npy"))), (std::vector<double>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(values<float>(NpyFile(golden_format("scalar.npy"))), std::vector<float>{2.5f});
  EXPECT_EQ(NpyFile(golden_format("scalar.npy")).header().shape, Shape{});
  EXPECT_EQ(NpyFile(golden_format("vector.npy")).header().shape, Shape{7});
  EXPECT_EQ(NpyFile(golden_format("empty.npy")).header().shape, (Shape{0, 3, 2}));
  for (const char* name : {"version2.npy", "version3.npy"})
    EXPECT_EQ(values<std::uint8_t>(NpyFile(golden_format(name))), (std::vector<std::uint8_t>{0, 1, 2, 3}));
}

TEST(Npy, RefusesArraysItCannotRepresent) {
  const auto message = [](const char* name) {
    return error_of(ErrorKind::data, [&] { NpyFile file(golden_format(name)); });
  };
  EXPECT_NE(message("fortran.npy").find("Fortran order"), std::string::npos);
  EXPECT_NE(message("structured.npy").find("structured array"), std::string::npos);
  EXPECT_NE(message("objects.npy").find("'|O'"), std::string::npos);
}

TEST(Npy, WritesTheBytesThatNumpyWrites) {
  const TempDir folder;
  for (const char* name : {"vector.npy", "type_f4.npy", "empty.npy", "type_u1.npy"}) {
    const NpyFile golden(golden_format(name));
    const Shape& shape = golden.header().shape;
    NpyWriter writer(folder / name, golden.header().dtype, Shape(shape.begin() + 1, shape.end()));
    for (std::int64_t row = 0; row < shape[0]; ++row)
      writer.append(golden.data() + golden.data_bytes() / static_cast<std::uint64_t>(shape[0]) * row, 1);
    EXPECT_EQ(writer.rows(), shape[0]);
    writer.commit();
    EXPECT_EQ(read_file(folder / name, 10'000), read_file(golden_format(name), 10'000)) << name;
  }
  EXPECT_TRUE(read_file(golden_format("scalar.npy"), 1000).starts_with(npy_header_bytes("<f4", {})));
}

TEST(Npy, RefusesAFileCutAnywhereOrTooLong) {
  const TempDir folder;
  const std::string whole = read_file(golden_format("type_f4.npy"), 1000);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_plainly(folder / "cut.npy", whole.substr(0, size));
    error_of(ErrorKind::data, [&] { NpyFile file(folder / "cut.npy"); });
  }
  write_file_atomically(folder / "long.npy", whole + "x");
  EXPECT_NE(error_of(ErrorKind::data, [&] { NpyFile file(folder / "long.npy"); }).find("25 bytes of data"),
            std::string::npos);
}

TEST(Npy, RefusesHostileHeaders) {
  const char* const bad[] = {
      "",
      "{}",
      "{'descr': '<f4', 'fortran_order': False}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,,3)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (007,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4)}",
      "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
      "{'descr': '<f3', 'fortran_order': False, 'shape': (2,)}",
      "{'descr': '<f4, 'fortran_order': False, 'shape': (2,)}",
  };
  for (const char* text : bad) {
    const std::string message = error_of(ErrorKind::data, [&] { parse(with_header(text)); });
    EXPECT_NE(message.find("file.npy"), std::string::npos) << message;
  }
  std::string dimensions;
  for (int i = 0; i < 40; ++i) dimensions += "1,";
  error_of(ErrorKind::data, [&] {
    parse(with_header("{'descr': '<f4', 'fortran_order': False, 'shape': (" + dimensions + ")}"));
  });
  error_of(ErrorKind::data, [] { parse(std::string("\x93NUMPY\4\0\0\0\0\0", 12)); });
  error_of(ErrorKind::data, [] { parse(std::string("\x93NUMPY\2\0\xff\xff\xff\xff", 12)); });
  EXPECT_EQ(parse(with_header("{\"shape\":(2,3,),'fortran_order':False,'descr':'<f4',}\n")).shape,
            (Shape{2, 3}));
}

TEST(Npy, SaysAtWhichByteAHeaderIsBroken) {
  EXPECT_NE(error_of(ErrorKind::data, [] { parse(with_header("{'descr': 5}")); }).find("at byte 20"),
            std::string::npos);
}

TEST(Npy, ReadsTypesInEverySpellingThatNumPyReads) {
  const NpyFile big(golden_format("big_endian.npy"));
  EXPECT_EQ(big.header().dtype, ">i4");
  const std::pair<const char*, const char*> spellings[] = {
      {"u1", "|u1"},   {"<u1", "|u1"}, {">u1", "|u1"}, {"uint8", "|u1"}, {"B", "|u1"},   {"?", "|b1"},
      {"bool", "|b1"}, {"i8", "<i8"},  {"=i8", "<i8"}, {"int64", "<i8"}, {">f8", ">f8"}, {"float32", "<f4"}};
  for (const auto& [given, known] : spellings)
    EXPECT_EQ(
        parse(with_header(fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': (2,)}}", given)))
            .dtype,
        known);
  for (const char* text : {"{'descr': '<f4',\t'fortran_order': False, 'shape': (2L, 3L)}",
                           "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  \r\n"})
    EXPECT_EQ(parse(with_header(text)).shape, (Shape{2, 3}));
  EXPECT_EQ(parse(with_header("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 1)}")).shape,
            (Shape{3, 1}));
}

}  // namespace
}  // namespace smlp
