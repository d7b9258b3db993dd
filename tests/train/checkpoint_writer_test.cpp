#include "smlp/train/checkpoint_writer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "smlp/core/error.hpp"
#include "support/cuda.hpp"

namespace smlp {
namespace {

std::vector<CheckpointPart> part_of(const torch::Tensor& tensor) {
  return {{"model", {{"weight", tensor}}, CheckpointPart::Needed::to_use}};
}

// What is written while the tensor changes.
void expect_the_values_of_its_start(const torch::Tensor& tensor) {
  CheckpointWriter writer;
  for (int save = 1; save <= 3; ++save) {  // in the same memory
    std::latch changed(1);
    torch::Tensor written;
    tensor.fill_(save);
    writer.start(part_of(tensor), [&](const std::vector<CheckpointPart>& parts) {
      changed.wait();
      written = parts[0].tensors[0].second.clone();
    });
    tensor.fill_(-1);
    changed.count_down();
    writer.wait();
    EXPECT_TRUE(written.is_cpu() && written.eq(save).all().item<bool>()) << save;
  }
}

TEST(CheckpointWriter, WritesWhatTheTensorsWereAtItsStart) {
  expect_the_values_of_its_start(torch::zeros({7, 5}));
  expect_the_values_of_its_start(torch::zeros({7, 5}).t());
}

TEST(CheckpointWriter, WritesOneAfterTheOther) {
  CheckpointWriter writer;
  const torch::Tensor tensor = torch::zeros({3});
  std::atomic<int> writing{0}, written{0};
  for (int i = 0; i < 4; ++i)
    writer.start(part_of(tensor), [&](const std::vector<CheckpointPart>&) {
      EXPECT_EQ(++writing, 1);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      --writing;
      ++written;
    });
  writer.wait();
  EXPECT_EQ(written, 4);
}

TEST(CheckpointWriter, WhatFailsIsThrownOnceByWhateverComesNext) {
  const torch::Tensor tensor = torch::zeros({3});
  const auto failing = [](const std::vector<CheckpointPart>&) {
    fail(ErrorKind::failed, "the disk is full");
  };
  CheckpointWriter writer;
  writer.check();
  writer.wait();
  writer.start(part_of(tensor), failing);
  EXPECT_THROW(writer.wait(), Error);
  writer.wait();
  writer.start(part_of(tensor), failing);
  EXPECT_THROW(writer.start(part_of(tensor), failing), Error);
  std::latch failed(1);
  writer.start(part_of(tensor), [&](const std::vector<CheckpointPart>& parts) {
    failed.count_down();
    failing(parts);
  });
  failed.wait();
  EXPECT_THROW(
      {
        for (int i = 0; i < 10'000; ++i) {
          writer.check();
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
      },
      Error);
  writer.start(part_of(tensor), failing);  // its destructor waits, and throws nothing
}

TEST(CheckpointWriter, WithoutMemoryForACopyTheTensorsThemselvesAreWritten) {
  const torch::Tensor endless = torch::ones({1}).expand({std::int64_t{1} << 46});  // 256 TiB, were it copied
  CheckpointWriter writer;
  for (int save = 1; save <= 2; ++save) {
    bool written = false;
    writer.start(part_of(endless), [&](const std::vector<CheckpointPart>& parts) {
      written = parts[0].tensors[0].second.is_same(endless);
    });
    EXPECT_TRUE(written) << "when start() returns";
  }
}

class CudaCheckpointWriter : public testing::CudaTest {};

TEST_F(CudaCheckpointWriter, WritesWhatTheTensorsWereAtItsStart) {
  expect_the_values_of_its_start(torch::zeros({1 << 20}, torch::kCUDA));
}

}  // namespace
}  // namespace smlp
