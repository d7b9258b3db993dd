#include "smlp/train/shifts.hpp"

#include <array>
#include <utility>

#include "evaluation_sums.hpp"
#include "smlp/batches/image_batches.hpp"
#include "smlp/batches/loader.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/data/dataset_info.hpp"
#include "smlp/data/pixel_permutation.hpp"

namespace smlp {
namespace {

constexpr std::array<std::pair<int, int>, 4> directions{{{-1, 0}, {1, 0}, {0, -1}, {0, 1}}};

// The middle of images moved, without `margin` pixels at each side; where they are too small for that, zeros.
// A negative width of padding crops.
torch::Tensor moved(const torch::Tensor& images, std::int64_t margin, std::int64_t right, std::int64_t down) {
  return at::constant_pad_nd(images, {right - margin, -right - margin, down - margin, -down - margin}, 0);
}

// Where each pixel comes from, on the device; undefined where they stay.
torch::Tensor pixel_order(const EvaluationOptions& options, torch::Device device) {
  if (!options.permute_pixels) return {};
  const std::vector<std::int64_t> order = pixel_permutation(*options.permute_pixels, options.image_size);
  return torch::tensor(order, torch::kInt64).to(device);
}

// What a model predicts of batches that were rendered unpermuted and larger by a margin, by shift.
class ShiftSums {
 public:
  ShiftSums(Model& model, const Device& device, torch::Tensor order, std::int64_t most, std::int64_t margin)
      : model_(model),
        device_(device),
        margin_(margin),
        order_(std::move(order)),
        right_(torch::zeros({most + 1}, torch::dtype(torch::kInt64).device(device.torch))),
        agreed_(torch::zeros_like(right_)) {}

  void add(const Batch& batch) {
    const torch::Tensor still = predictions(moved(batch.images, margin_, 0, 0));
    count(0, still, still, batch.labels);
    for (std::int64_t pixels = 1; pixels < right_.size(0); ++pixels)
      for (const auto& [right, down] : directions)
        count(pixels, predictions(moved(batch.images, margin_, right * pixels, down * pixels)), still,
              batch.labels);
    images_ += batch.labels.size(0);
  }

  std::vector<Stability> results() const {
    const torch::Tensor right = right_.to(torch::kCPU), agreed = agreed_.to(torch::kCPU);
    std::vector<Stability> rows;
    for (std::int64_t pixels = 0; pixels < right.size(0); ++pixels) {
      const double shown = static_cast<double>(images_ * (pixels == 0 ? 1 : std::ssize(directions)));
      const auto percent = [&](const torch::Tensor& of) {
        return 100 * static_cast<double>(of[pixels].item<std::int64_t>()) / shown;
      };
      rows.push_back({percent(agreed), percent(right)});
    }
    return rows;
  }

 private:
  torch::Tensor predictions(const torch::Tensor& images) const {
    const AutocastScope autocast(device_);
    const torch::Tensor seen =
        order_.defined() ? images.flatten(2).index_select(2, order_).view(images.sizes()) : images;
    return model_.forward(seen).argmax(1);
  }

  void count(std::int64_t pixels, const torch::Tensor& predicted, const torch::Tensor& still,
             const torch::Tensor& labels) {
    right_[pixels].add_((predicted == labels).sum());
    agreed_[pixels].add_((predicted == still).sum());
  }

  Model& model_;
  const Device& device_;
  std::int64_t margin_;
  torch::Tensor order_, right_, agreed_;
  std::int64_t images_ = 0;
};

}  // namespace

void check_shifts(std::int64_t most, int image_size) {
  if (most < 1 || most >= image_size)
    fail(ErrorKind::usage, "shifts of up to {} pixels, expected 1 to {}, for the model sees images of {}x{}",
         most, image_size - 1, image_size, image_size);
  if (image_size + 2 * most > max_image_size)
    fail(ErrorKind::usage, "shifts of up to {} pixels crop images of {}x{}, at most {}", most,
         image_size + 2 * most, image_size + 2 * most, max_image_size);
}

std::optional<std::vector<ShiftResult>> evaluate_shifts(Model& model, const Device& device,
                                                        std::shared_ptr<const Dataset> dataset,
                                                        const ChannelStatistics& normalization,
                                                        const EvaluationOptions& options, std::int64_t most) {
  check_shifts(most, options.image_size);
  dataset->check_files();
  const EvaluationMode mode(model);
  const auto stability = [&](std::int64_t margin) -> std::optional<std::vector<Stability>> {
    const auto source = std::make_shared<EvaluationImages>(
        dataset, std::vector<std::int64_t>{},
        RenderOptions{normalization, options.image_size + static_cast<int>(2 * margin), options.batch_size});
    BatchLoader loader(source, 0, source->steps(), options.workers, options.prefetch, device.torch);
    ShiftSums sums(model, device, pixel_order(options, device.torch), most, margin);
    ProgressBar progress(margin == 0 ? "shifts, padded" : "shifts, cropped", source->steps());
    for (std::int64_t step = 0; step < source->steps(); ++step) {
      if (stop_signal() != 0) return std::nullopt;
      sums.add(loader.next());
      progress.update(step + 1, "");
    }
    return sums.results();
  };
  const auto padded = stability(0);
  const auto cropped = padded ? stability(most) : std::nullopt;
  if (!cropped) return std::nullopt;
  std::vector<ShiftResult> rows;
  for (std::size_t pixels = 0; pixels < padded->size(); ++pixels)
    rows.push_back({static_cast<std::int64_t>(pixels), (*padded)[pixels], (*cropped)[pixels]});
  return rows;
}

}  // namespace smlp
