// What a device renders is what a host does: the kernel's arithmetic, run here, and on a device where there
// is one (label cuda).
#include "smlp/batches/device_renderer.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "smlp/batches/image_batches.hpp"
#include "smlp/batches/loader.hpp"
#include "support/cuda.hpp"
#include "support/images.hpp"

namespace smlp {
namespace {

using testing::small_dataset;

const ChannelStatistics normalization{{0.5, 0.4, 0.3}, {0.2, 0.25, 0.3}};

struct Case {
  std::string what;
  RenderOptions rendering;
  std::shared_ptr<const BatchSource> source, resident;  // that keeps the images on the device
};

constexpr int source_size = 20;

// Every kind of source, to smaller, equal and larger images, with and without MixUp, for ranks, with permuted
// pixels; batches straddle epochs.
std::vector<Case> cases(const std::shared_ptr<const Dataset>& data = small_dataset(23, source_size, 5)) {
  std::vector<std::int64_t> all(23);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
  std::vector<Case> result;
  for (const int size : {7, source_size, 33})
    for (const bool permuted : {false, true}) {
      const RenderOptions rendering{normalization, size, 10,
                                    permuted ? std::optional<std::int64_t>(3) : std::nullopt};
      const auto add = [&](const std::string& what, const auto& make) {
        RenderOptions resident = rendering;
        resident.resident = true;
        result.push_back({what + " at " + std::to_string(size), rendering, make(rendering), make(resident)});
      };
      const auto train = [&](const AugmentConfig& augment, int rank = 0, int world = 1) {
        return [=](const RenderOptions& how) {
          return std::make_shared<TrainImages>(
              data, all, how,
              TrainImagesOptions{.augment = augment, .seed = 4, .rank = rank, .world = world});
        };
      };
      add("mixed", train({}));
      add("mixed, second rank", train({}, 1, 2));
      add("cropped", train({CropConfig{}, 0.5, 0}));
      add("plain", train({std::nullopt, 0, 0}));
      add("evaluation", [&](const RenderOptions& how) {
        return std::make_shared<EvaluationImages>(data, std::vector<std::int64_t>{}, how);
      });
      add("crops", [&](const RenderOptions& how) {
        return std::make_shared<CropImages>(data, how, AugmentConfig{}, 2, 1);
      });
    }
  return result;
}

// The kernel's work, place by place.
torch::Tensor render_here(const RenderTables& tables, const Views& views, const torch::Tensor& pixels) {
  const auto* const boxes = reinterpret_cast<const ImageView*>(views.boxes.const_data_ptr<int>());
  const Rendering rendering = tables.rendering(pixels.const_data_ptr<std::uint8_t>(), boxes);
  const int size = rendering.size, mixed = views.mixed ? 1 : 0;
  const torch::Tensor out = torch::empty({views.boxes.size(0) - mixed, 3, size * size});
  auto values = out.accessor<float, 3>();
  for (std::int64_t i = 0; i < out.size(0); ++i)
    for (int place = 0; place < size * size; ++place) {
      const int seen = rendering.order == nullptr ? place : static_cast<int>(rendering.order[place]);
      const RenderedPixel own = render_pixel(rendering, boxes[i + mixed], seen % size, seen / size);
      const RenderedPixel other = render_pixel(rendering, boxes[i], seen % size, seen / size);
      for (int c = 0; c < 3; ++c)
        values[i][c][place] = mixed != 0
                                  ? views.own_weight * own.channel[c] + views.other_weight * other.channel[c]
                                  : own.channel[c];
    }
  return out.view({-1, 3, size, size});
}

bool same(const torch::Tensor& a, const torch::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || a.equal(b));
}

void expect_same_targets(const Batch& a, const Batch& b, const std::string& what) {
  EXPECT_TRUE(same(a.labels, b.labels)) << what;
  EXPECT_TRUE(same(a.partners, b.partners)) << what;
  EXPECT_TRUE(same(a.lambda, b.lambda)) << what;
}

TEST(DeviceRendering, ViewsHoldTheBatchTheHostRendersBitForBit) {
  const auto data = small_dataset(23, source_size, 5);
  const torch::Tensor whole_set = packed_on(torch::kCPU, *data);
  for (const Case& each : cases(data)) {
    const RenderTables tables(source_size, each.rendering.image_size, normalization,
                              each.rendering.permute_pixels, torch::kCPU);
    for (const std::int64_t step : {0, 2}) {
      HostBuffers buffers, parallel;
      parallel.fill_in_parallel();
      const Batch host = each.source->make(step, buffers), views = each.source->make_views(step, parallel);
      ASSERT_FALSE(views.images.defined());
      expect_same_targets(host, views, each.what);
      EXPECT_TRUE(host.images.equal(render_here(tables, views.views, views.views.pixels)))
          << each.what << " of step " << step;

      const Batch resident = each.resident->make_views(step, parallel);
      ASSERT_FALSE(resident.views.pixels.defined());
      expect_same_targets(host, resident, each.what);
      EXPECT_TRUE(host.images.equal(render_here(tables, resident.views, whole_set)))
          << each.what << " of step " << step << ", from the whole set";
    }
  }
}

TEST(DeviceRendering, OneCopyTakesAllThatIsSmall) {
  for (const Case& each : cases()) {
    HostBuffers buffers;
    const Batch made = each.source->make_views(1, buffers);
    Batch sent = made;
    sent.lay_out(made.small.clone(), made.labels.size(0), made.partners.defined(), made.views.boxes.size(0));
    expect_same_targets(made, sent, each.what);
    EXPECT_TRUE(made.views.boxes.equal(sent.views.boxes)) << each.what;
    for (const torch::Tensor& part : {sent.labels, sent.partners, sent.lambda, sent.views.boxes})
      EXPECT_TRUE(!part.defined() || part.is_alias_of(sent.small)) << each.what;
  }
}

TEST(DeviceRendering, ACpuHasNone) {
  EXPECT_FALSE(renders_on(torch::kCPU, source_size));
  EXPECT_EQ(cases()[0].source->renderer_on(torch::kCPU, torch::kFloat32), nullptr);
  EXPECT_EQ(cases()[0].resident->renderer_on(torch::kCPU, torch::kFloat32), nullptr);
}

class CudaLoader : public testing::CudaTest {};

Batch to_host(Batch batch) {
  for (torch::Tensor* each : {&batch.images, &batch.labels, &batch.partners, &batch.lambda})
    if (each->defined()) *each = each->to(torch::kCPU);
  return batch;
}

TEST_F(CudaLoader, RendersTheBatchesOfAHost) {
  for (const Case& each : cases())
    for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
      BatchLoader host(each.source, 0, 3, 0, 1, torch::kCPU),
          device(each.source, 0, 3, 2, 2, torch::kCUDA, type),
          resident(each.resident, 0, 3, 2, 2, torch::kCUDA, type);
      for (int step = 0; step < 3; ++step) {
        const Batch expected = host.next();
        for (BatchLoader* loader : {&device, &resident}) {
          const Batch found = to_host(loader->next());
          expect_same_targets(expected, found, each.what);
          EXPECT_TRUE(expected.images.to(type).equal(found.images)) << each.what << " of step " << step;
        }
      }
    }
}

// What is queued is bounded, and memory is not used again before it was read.
TEST_F(CudaLoader, KeepsEveryBatchUntilTheDeviceHasUsedIt) {
  const auto data = small_dataset(64, 32, 5);
  const auto source = std::make_shared<EvaluationImages>(data, std::vector<std::int64_t>{},
                                                         RenderOptions{normalization, 32, 4});
  BatchLoader host(source, 0, source->steps(), 0, 1, torch::kCPU),
      device(source, 0, source->steps(), 2, 2, torch::kCUDA);
  const torch::Tensor slow = torch::randn({4096, 4096}, torch::kCUDA);
  std::vector<torch::Tensor> sums;
  for (std::int64_t step = 0; step < source->steps(); ++step) {
    const Batch batch = device.next();
    for (int i = 0; i < 5; ++i) torch::mm(slow, slow);
    sums.push_back(batch.images.to(torch::kFloat64).sum());
  }
  for (const torch::Tensor& each : sums)
    EXPECT_NEAR(each.item<double>(), host.next().images.to(torch::kFloat64).sum().item<double>(), 1e-6);
}

}  // namespace
}  // namespace smlp
