#include "network.hpp"

#include <ATen/autocast_mode.h>

#include "smlp/core/error.hpp"
#include "smlp/device/fused.hpp"
#include "smlp/networks/registry.hpp"
#include "smlp/train/tensor_file.hpp"

namespace smlp {
namespace {

template <class Items>
TensorsByName by_name(const Items& items) {
  TensorsByName tensors;
  for (const auto& item : items) tensors.insert(item.key(), item.value());
  return tensors;
}

}  // namespace

Network::Network(std::shared_ptr<const SavedModel> saved, std::shared_ptr<Model> model)
    : saved_(std::move(saved)), model_(std::move(model)) {
  model_->eval();
}

c10::intrusive_ptr<Network> Network::load(const std::string& run_or_checkpoint, bool best) {
  const auto saved = std::make_shared<const SavedModel>(open_saved_model(run_or_checkpoint, best));
  return c10::make_intrusive<Network>(saved, saved->model);
}

c10::intrusive_ptr<Network> Network::copy() const {
  const std::shared_ptr<Model> other = build_model(saved_->config.model, static_cast<int>(image_size()),
                                                   static_cast<int>(saved_->state.classes.size()));
  const NamedTensors own = named_tensors(*model_), theirs = named_tensors(*other);
  for (std::size_t i = 0; i < own.size(); ++i)
    torch::Tensor(theirs[i].second).set_data(own[i].second.detach().clone());
  return c10::make_intrusive<Network>(saved_, other);
}

torch::Tensor Network::features(const torch::Tensor& images) const {
  const torch::ScalarType own = model_->parameters().front().scalar_type();
  const bool any_type =
      images.is_floating_point() && at::autocast::is_autocast_enabled(images.device().type());
  const std::int64_t size = image_size();
  if (images.dim() != 4 || images.size(1) != 3 || images.size(2) != size || images.size(3) != size ||
      (images.scalar_type() != own && !any_type))
    fail(ErrorKind::usage,
         "images are {} [{}], the model takes {} [B, 3, {}, {}]; preprocess() makes them of uint8 [B, H, H, "
         "3]",
         torch::toString(images.scalar_type()), fmt::join(images.sizes(), ", "), torch::toString(own), size,
         size);
  std::optional<FusedKernelsHere> kernels;
  if (!at::GradMode::is_enabled()) kernels.emplace();
  return model_->features(images);
}

TensorsByName Network::parameters() const {
  return by_name(model_->named_parameters());
}

TensorsByName Network::buffers() const {
  return by_name(model_->named_buffers());
}

}  // namespace smlp
