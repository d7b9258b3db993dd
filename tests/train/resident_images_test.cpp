#include "smlp/train/resident_images.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "smlp/train/run_cost.hpp"
#include "support/errors.hpp"
#include "support/experiments.hpp"
#include "support/images.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using Resident = DataConfig::Resident;

constexpr double bytes = 100.0 * 3 * 8 * 8;

double of_memory(Resident resident, double wanted_images, double memory, double others) {
  return resident_bytes(resident, *testing::small_dataset(100, 8, 2), wanted_images, memory, others);
}

TEST(ResidentImages, AutoKeepsASetThatIsSeenTwiceAndFitsIntoAQuarterOfTheMemory) {
  EXPECT_EQ(of_memory(Resident::automatic, 200, 4 * bytes, 3 * bytes), bytes);
  EXPECT_EQ(of_memory(Resident::automatic, 199, 4 * bytes, 0), 0);
  EXPECT_EQ(of_memory(Resident::automatic, 200, 4 * bytes - 1, 0), 0);
  EXPECT_EQ(of_memory(Resident::automatic, 200, 4 * bytes, 3 * bytes + 1), 0);
  EXPECT_EQ(of_memory(Resident::on, 1, bytes, bytes), bytes);
  EXPECT_EQ(of_memory(Resident::off, 1e9, 1e12, 0), 0);
}

TEST(ResidentImages, ARunOnACpuKeepsNoneAndSaysWhyWhereItShould) {
  const testing::TempDir folder;
  EXPECT_EQ(memory_need(testing::small_experiment(folder.path(), {})).images, 0);
  const std::string message = testing::error_of(
      ErrorKind::usage, [&] { testing::small_experiment(folder.path(), {"data.resident=on"}); });
  EXPECT_NE(message.find("data.resident is on, but"), std::string::npos) << message;
}

}  // namespace
}  // namespace smlp
