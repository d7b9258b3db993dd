#include "smlp/batches/loader.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <chrono>
#include <fstream>
#include <set>

#include "smlp/batches/image_batches.hpp"
#include "smlp/core/files.hpp"
#include "smlp/data/dataset_json.hpp"
#include "smlp/data/subset.hpp"
#include "support/errors.hpp"
#include "support/images.hpp"
#include "support/temp_dir.hpp"

namespace smlp {
namespace {

using testing::error_of;
using testing::small_dataset;
using testing::TempDir;

const ChannelStatistics normalization{{0.5, 0.4, 0.3}, {0.2, 0.25, 0.3}};
const AugmentConfig plain{std::nullopt, 0.0, 0.0};

std::vector<std::int64_t> all_of(const Dataset& data) {
  return choose_subset(data, {}, 0).train;
}

std::shared_ptr<const TrainImages> images_of(std::shared_ptr<const Dataset> data,
                                             const AugmentConfig& augment, std::int64_t batch, int size = 6,
                                             int rank = 0, int world = 1) {
  return std::make_shared<TrainImages>(
      data, all_of(*data), RenderOptions{normalization, size, batch},
      TrainImagesOptions{.augment = augment, .seed = 11, .rank = rank, .world = world});
}

bool same(const torch::Tensor& a, const torch::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || a.equal(b));
}

void expect_same(const Batch& a, const Batch& b) {
  EXPECT_TRUE(same(a.images, b.images));
  EXPECT_TRUE(same(a.labels, b.labels));
  EXPECT_TRUE(same(a.partners, b.partners));
  EXPECT_TRUE(same(a.lambda, b.lambda));
}

// Which image each row of an unaugmented batch is.
std::vector<std::int64_t> images_in(const Batch& batch, const Dataset& data) {
  Renderer renderer(data.image_size(), static_cast<int>(batch.images.size(2)), normalization);
  std::vector<std::int64_t> found;
  for (std::int64_t row = 0; row < batch.images.size(0); ++row) {
    torch::Tensor expected = torch::empty_like(batch.images[0]);
    for (std::int64_t i = 0; i < data.size(); ++i) {
      renderer.render(data.image(i), expected.mutable_data_ptr<float>());
      if (!expected.equal(batch.images[row])) continue;
      found.push_back(i);
      EXPECT_EQ(batch.labels[row].item<std::int64_t>(), data.label(i));
    }
  }
  return found;
}

TEST(TrainImages, EveryEpochHoldsEveryImageOnceAcrossBatchEdges) {
  const auto data = small_dataset(10, 6, 3);
  const auto source = images_of(data, plain, 4);
  HostBuffers buffers;
  std::vector<std::int64_t> stream;
  for (std::int64_t step = 0; step < 5; ++step)
    for (const std::int64_t each : images_in(source->make(step, buffers), *data)) stream.push_back(each);
  ASSERT_EQ(stream.size(), 20u);
  const std::vector<std::int64_t> first(stream.begin(), stream.begin() + 10),
      second(stream.begin() + 10, stream.end());
  EXPECT_EQ(std::set<std::int64_t>(first.begin(), first.end()).size(), 10u);
  EXPECT_EQ(std::set<std::int64_t>(second.begin(), second.end()).size(), 10u);
  EXPECT_NE(first, second);
}

TEST(TrainImages, ADataSetSmallerThanABatchRepeats) {
  const auto data = small_dataset(3, 6, 3);
  HostBuffers buffers;
  const Batch batch = images_of(data, plain, 8)->make(0, buffers);
  const auto found = images_in(batch, *data);
  ASSERT_EQ(found.size(), 8u);
  EXPECT_EQ(std::set<std::int64_t>(found.begin(), found.begin() + 3).size(), 3u);
}

TEST(TrainImages, AWindowedOrderHoldsEveryImageOnceAndTakesNeighbours) {
  const auto data = testing::small_dataset(640, 6, 640);  // an image's label is its number
  const TrainImages source(data, all_of(*data), {normalization, 6, 32},
                           {.augment = plain, .seed = 1, .window = 128});
  HostBuffers buffers;
  std::set<std::int64_t> seen;
  for (std::int64_t step = 0; step < 20; ++step) {
    const Batch batch = source.make(step, buffers);
    std::int64_t near_first = 0;
    for (std::int64_t i = 0; i < 32; ++i) {
      const auto label = batch.labels[i].item<std::int64_t>();
      const std::int64_t distance = std::abs(label - batch.labels[0].item<std::int64_t>());
      near_first += std::min(distance, 640 - distance) < 128;
      seen.insert(label);
    }
    EXPECT_EQ(near_first, 32) << step;
  }
  EXPECT_EQ(seen.size(), 640u);
}

TEST(TrainImages, UseOnlyTheChosenImages) {
  const auto data = small_dataset(20, 6, 3);
  const TrainImages source(data, {4, 9, 17}, {normalization, 6, 6}, {.augment = plain, .seed = 1});
  HostBuffers buffers;
  const auto found = images_in(source.make(5, buffers), *data);
  EXPECT_EQ(std::set<std::int64_t>(found.begin(), found.end()), (std::set<std::int64_t>{4, 9, 17}));
}

TEST(TrainImages, MixWithTheSampleBefore) {
  const auto data = small_dataset(10, 6, 3);
  AugmentConfig mixed;
  mixed.mixup = 0.8;
  AugmentConfig unmixed = mixed;
  unmixed.mixup = 0;
  HostBuffers buffers;
  std::set<float> weights;
  for (std::int64_t step = 0; step < 4; ++step) {
    const Batch a = images_of(data, unmixed, 7)->make(step, buffers),
                b = images_of(data, mixed, 7)->make(step, buffers);
    const float lambda = b.lambda.item<float>();
    weights.insert(lambda);
    EXPECT_TRUE(
        torch::allclose(b.images, lambda * a.images + (1 - lambda) * a.images.roll(1, 0), 1e-5, 1e-6));
    EXPECT_TRUE(b.labels.equal(a.labels));
    EXPECT_TRUE(b.partners.equal(a.labels.roll(1, 0)));
    EXPECT_FALSE(a.partners.defined() || a.lambda.defined());
  }
  EXPECT_EQ(weights.size(), 4u);
}

TEST(TrainImages, RanksHoldThePartsOfOneBatch) {
  const auto data = small_dataset(10, 6, 3);
  HostBuffers buffers;
  const Batch whole = images_of(data, {}, 6)->make(3, buffers);
  std::vector<torch::Tensor> images, labels, partners;
  for (int rank = 0; rank < 3; ++rank) {
    const Batch part = images_of(data, {}, 6, 6, rank, 3)->make(3, buffers);
    images.push_back(part.images);
    labels.push_back(part.labels);
    partners.push_back(part.partners);
    EXPECT_TRUE(part.lambda.equal(whole.lambda));
  }
  EXPECT_TRUE(torch::cat(images).equal(whole.images));
  EXPECT_TRUE(torch::cat(labels).equal(whole.labels));
  EXPECT_TRUE(torch::cat(partners).equal(whole.partners));
  EXPECT_NE(
      error_of(ErrorKind::usage, [&] { images_of(data, {}, 7, 6, 0, 2); }).find("cannot be dealt to 2 ranks"),
      std::string::npos);
}

TEST(BatchSources, ManyThreadsFillABatchWithTheBitsOfOne) {
  const auto data = small_dataset(150, 6, 3);
  const RenderOptions rendering{normalization, 5, 100};
  const std::unique_ptr<BatchSource> sources[] = {
      std::make_unique<TrainImages>(data, all_of(*data), rendering,
                                    TrainImagesOptions{.augment = {}, .seed = 1}),
      std::make_unique<TrainImages>(data, all_of(*data), rendering,
                                    TrainImagesOptions{.augment = plain, .seed = 1}),
      std::make_unique<EvaluationImages>(data, std::vector<std::int64_t>{}, rendering),
      std::make_unique<CropImages>(data, rendering, AugmentConfig{}, 2, 1)};
  const int threads = at::get_num_threads();
  at::set_num_threads(3);
  for (const auto& source : sources)
    for (const std::int64_t step : {0, 1}) {
      HostBuffers one, many;
      many.fill_in_parallel();
      const Batch a = source->make(step, one), b = source->make(step, many);
      EXPECT_TRUE(a.images.equal(b.images));
      EXPECT_TRUE(a.labels.equal(b.labels));
      if (a.partners.defined()) {
        EXPECT_TRUE(a.partners.equal(b.partners));
      }
    }
  at::set_num_threads(threads);
}

TEST(TrainImages, ResizeBothWays) {
  const auto data = small_dataset(5, 8, 2);
  HostBuffers buffers;
  for (const int size : {4, 16}) {
    const Batch batch = images_of(data, plain, 5, size)->make(0, buffers);
    EXPECT_EQ(batch.images.sizes(), (torch::IntArrayRef{5, 3, size, size}));
    EXPECT_EQ(images_in(batch, *data).size(), 5u);
  }
}

TEST(EvaluationImages, ComeInOrderWithAShortLastBatch) {
  const auto data = small_dataset(10, 6, 3);
  const EvaluationImages source(data, {}, {normalization, 6, 4});
  HostBuffers buffers;
  std::vector<std::int64_t> found;
  for (std::int64_t step = 0; step < source.steps(); ++step)
    for (const std::int64_t each : images_in(source.make(step, buffers), *data)) found.push_back(each);
  EXPECT_EQ(found, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  const EvaluationImages some(data, {7, 2}, {normalization, 6, 4});
  EXPECT_EQ(images_in(some.make(0, buffers), *data), (std::vector<std::int64_t>{7, 2}));
  error_of(ErrorKind::failed, [&] { some.make(1, buffers); });
}

TEST(BatchLoader, WorkersChangeNothing) {
  const auto data = small_dataset(50, 12, 5);
  const auto source = images_of(data, {}, 8, 10);
  BatchLoader reference(source, 3, 40, 0, 2, torch::kCPU);
  std::vector<Batch> expected;
  for (int i = 3; i < 40; ++i) expected.push_back(reference.next());
  for (const int workers : {1, 2, 5}) {
    BatchLoader loader(source, 3, 40, workers, 2, torch::kCPU);
    for (const Batch& each : expected) expect_same(loader.next(), each);
    EXPECT_NE(error_of(ErrorKind::failed, [&] { loader.next(); }).find("batch 40"), std::string::npos);
  }
}

TEST(BatchLoader, ReusesMemoryOnlyWhenNobodyHoldsIt) {
  const auto data = small_dataset(50, 12, 5);
  BatchLoader loader(images_of(data, {}, 8), 0, 100, 1, 2, torch::kCPU);
  std::set<const void*> places;
  const Batch held = loader.next();
  const torch::Tensor view = loader.next().images.view({-1}), copies[] = {held.images.clone(), view.clone()};
  for (int i = 2; i < 100; ++i) places.insert(loader.next().images.const_data_ptr());
  EXPECT_LE(places.size(), 5u);
  EXPECT_TRUE(held.images.equal(copies[0]));
  EXPECT_TRUE(view.equal(copies[1]));
}

class FailingSource : public BatchSource {
 public:
  Batch make(std::int64_t step, HostBuffers& buffers) const override {
    if (step == 5) fail(ErrorKind::data, "batch 5 cannot be made");
    Batch batch;
    batch.labels = buffers.take({1}, torch::kInt64);
    batch.labels.fill_(step);
    return batch;
  }
};

TEST(BatchLoader, HandsOverWhatAWorkerThrewAtItsStep) {
  for (const int workers : {0, 1, 3}) {
    BatchLoader loader(std::make_shared<FailingSource>(), 0, 10, workers, 2, torch::kCPU);
    for (int step = 0; step < 5; ++step) EXPECT_EQ(loader.next().labels.item<std::int64_t>(), step);
    EXPECT_EQ(error_of(ErrorKind::data, [&] { loader.next(); }), "batch 5 cannot be made");
  }
}

TEST(BatchLoader, EndsEarlyWithoutHandingAllOut) {
  const auto data = small_dataset(50, 12, 5);
  for (const int workers : {1, 4}) {
    BatchLoader loader(images_of(data, {}, 8), 0, 1'000'000, workers, 4, torch::kCPU);
    loader.next();
  }
}

// A pack of 12 million images of 64 × 64 that takes no disk: every byte is a hole, every label 0.
void make_sparse_pack(const fs::path& folder, std::int64_t images) {
  fs::create_directories(folder);
  DatasetInfo info;
  info.source = "folder";
  info.resize = "squash";
  info.image_size = 64;
  info.images = images;
  info.classes = {"only"};
  info.statistics = {{0.5, 0.5, 0.5}, {0.2, 0.2, 0.2}};
  write_file_atomically(folder / "dataset.json", dataset_json_text(info));
  write_file_atomically(folder / "names.txt", "");
  const auto write = [&](const char* name, const char* type, const std::vector<std::int64_t>& shape,
                         std::uintmax_t bytes) {
    const std::string header = npy_header_bytes(type, shape);
    write_file_atomically(folder / name, header);
    fs::resize_file(folder / name, header.size() + bytes);
  };
  write("images.npy", "|u1", {images, 64, 64, 3}, static_cast<std::uintmax_t>(images) * 64 * 64 * 3);
  write("labels.npy", "<i8", {images}, static_cast<std::uintmax_t>(images) * 8);
}

std::int64_t anonymous_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "RssAnon:") {
      std::int64_t value = 0;
      status >> value;
      return value;
    }
  return -1;
}

TEST(BatchLoader, TrainsFromA147GigabytePackInLittleMemory) {
  TempDir temp;
  const std::int64_t images = 12'000'000;
  make_sparse_pack(temp / "train", images);
  const auto start = std::chrono::steady_clock::now();
  const auto data = Dataset::open(temp / "train");
  BatchLoader loader(images_of(data, {}, 512, 64), 0, 1'000'000, 1, 2, torch::kCPU);
  for (int step = 0; step < 4; ++step) EXPECT_EQ(loader.next().images.size(0), 512);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  EXPECT_GT(anonymous_kib(), 0);
  EXPECT_LT(anonymous_kib(), 2'000'000);
}

}  // namespace
}  // namespace smlp
