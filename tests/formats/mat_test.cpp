#include "smlp/formats/mat.hpp"

#include <gtest/gtest.h>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "support/errors.hpp"
#include "support/golden.hpp"

namespace smlp {
namespace {

using testing::error_of;

std::vector<std::byte> golden(const char* name) {
  return read_bytes(testing::golden_format(name), 1 << 20);
}

TEST(Mat, ReadsTheNumbersAndTextsOfAStructureArray) {
  for (const char* name : {"meta_plain.mat", "meta_compressed.mat"}) {
    const MatStructArray synsets = parse_mat_struct(golden(name), "synsets", name);
    ASSERT_EQ(synsets.size(), 4u);
    EXPECT_EQ(synsets.number(0, "ILSVRC2012_ID"), 3);
    EXPECT_EQ(synsets.text(0, "WNID"), "n02000000");
    EXPECT_EQ(synsets.number(3, "num_children"), 3);
    EXPECT_EQ(synsets.text(3, "gloss"), "above the leaves");
    error_of(ErrorKind::data, [&] { synsets.number(3, "children"); });
    error_of(ErrorKind::data, [&] { synsets.text(0, "ILSVRC2012_ID"); });
    error_of(ErrorKind::data, [&] { synsets.text(0, "none"); });
    error_of(ErrorKind::data, [&] { parse_mat_struct(golden(name), "absent", name); });
    error_of(ErrorKind::data, [&] { parse_mat_struct(golden(name), "other", name); });
  }
}

TEST(Mat, RefusesAFileCutOrChangedAnywhereOrReadsIt) {
  for (const char* name : {"meta_plain.mat", "meta_compressed.mat"}) {
    const std::vector<std::byte> whole = golden(name);
    for (std::size_t size = 0; size < whole.size(); size += 3)
      error_of(ErrorKind::data, [&] { parse_mat_struct(std::span(whole).first(size), "synsets", name); });
    for (std::size_t at = 0; at < whole.size(); ++at) {
      std::vector<std::byte> changed = whole;
      changed[at] ^= std::byte{0xff};
      try {
        parse_mat_struct(changed, "synsets", name);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::data);
      }
    }
  }
}

}  // namespace
}  // namespace smlp
