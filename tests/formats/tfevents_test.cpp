#include "smlp/formats/tfevents.hpp"

#include <gtest/gtest.h>

#include "smlp/core/files.hpp"
#include "support/golden.hpp"

namespace smlp {
namespace {

TEST(Crc32c, MatchesRfc3720) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) {
    rising += static_cast<char>(i);
    falling += static_cast<char>(31 - i);
  }
  EXPECT_EQ(crc32c(rising), 0x46dd794eu);
  EXPECT_EQ(crc32c(falling), 0x113fdb5cu);
}

TEST(Tfevents, AreTheBytesThatTensorBoardWrites) {
  const double time = 1700000001.5;
  const std::string written = tfevents_header(1700000000.25) + tfevents_scalar(time, 0, "loss", 2.5f) +
                              tfevents_scalar(time, 1, "loss", 0.0f) +
                              tfevents_scalar(time, 300, "train/accuracy", -1.5f) +
                              tfevents_scalar(time, std::int64_t{1} << 40, "größe", 1e-30f);
  EXPECT_EQ(written, read_file(testing::golden_format("scalars.tfevents"), 10'000));
}

}  // namespace
}  // namespace smlp
