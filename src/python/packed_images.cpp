#include "packed_images.hpp"

#include "smlp/core/error.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/data/renderer.hpp"

namespace smlp {

namespace {

// Images without labels are no set for a training, and another program's to look at.
std::shared_ptr<const Dataset> open_split(const std::string& root, const std::string& split) {
  if (split != "unlabeled") return open_dataset(root, split);
  for (const fs::path& folder : find_pack(root).splits)
    if (split_name(folder) == split) return Dataset::open(folder);
  fail(ErrorKind::data, "{}: it has no unlabeled images", root);
}

}  // namespace

PackedImages::PackedImages(const std::string& root, const std::string& split)
    : dataset_(open_split(expand_home(root), split)) {}

torch::Tensor PackedImages::images() const {
  // from_blob takes no const; Python's array is marked as read-only.
  return torch::from_blob(
      const_cast<std::uint8_t*>(dataset_->image(0)),
      {dataset_->size(), dataset_->image_size(), dataset_->image_size(), 3}, [kept = dataset_](void*) {},
      torch::kUInt8);
}

torch::Tensor PackedImages::labels() const {
  torch::Tensor labels = torch::empty({dataset_->size()}, torch::kInt64);
  auto* const out = labels.mutable_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < dataset_->size(); ++i) out[i] = dataset_->label(i);
  return labels;
}

torch::Tensor render(const torch::Tensor& images, std::int64_t image_size, std::vector<double> mean,
                     std::vector<double> std) {
  if (images.dim() != 4 || images.size(1) != images.size(2) || images.size(3) != 3 || images.size(1) < 1 ||
      images.scalar_type() != torch::kUInt8)
    fail(ErrorKind::usage, "images are {} {}, expected uint8 [B, H, H, 3]",
         torch::toString(images.scalar_type()), fmt::join(images.sizes(), " x "));
  if (image_size < 1 || image_size > max_image_size || mean.size() != 3 || std.size() != 3)
    fail(ErrorKind::usage,
         "image_size is {}, with {} means and {} deviations; expected 1 to {}, and three of each", image_size,
         mean.size(), std.size(), max_image_size);
  const torch::Tensor from = images.cpu().contiguous();
  torch::Tensor to = torch::empty({from.size(0), 3, image_size, image_size});
  Renderer renderer(static_cast<int>(from.size(1)), static_cast<int>(image_size),
                    {std::move(mean), std::move(std)});
  const std::int64_t in = from.size(1) * from.size(2) * 3, out = 3 * image_size * image_size;
  for (std::int64_t i = 0; i < from.size(0); ++i)
    renderer.render(from.const_data_ptr<std::uint8_t>() + i * in, to.mutable_data_ptr<float>() + i * out);
  return to;
}

}  // namespace smlp
