#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smlp/formats/image.hpp"
#include "smlp/train/tta.hpp"

namespace smlp {

// Square images by number, for a model to look at.
class ImageSupply {
 public:
  ImageSupply() = default;
  virtual ~ImageSupply() = default;
  ImageSupply(const ImageSupply&) = delete;
  ImageSupply& operator=(const ImageSupply&) = delete;

  virtual std::int64_t size() const = 0;
  // Called from several threads. Error(data): this image cannot be had, the others may.
  virtual Image load(std::int64_t i) const = 0;
};

struct PredictOptions {
  ChannelStatistics normalization;
  int image_size = 64;           // pixels a side of what the model sees
  std::int64_t batch_size = 64;  // images, or crops of images, a forward pass; at least one image's crops
  int workers = 1;               // threads that load and render
  int prefetch = 2;              // batches each keeps ready
  std::int64_t top = 5;          // likeliest classes; at most all
  bool keep_features = false;    // not with crops
  std::optional<TtaOptions> tta{};
  std::optional<std::int64_t> permute_pixels{};  // see Renderer
};

struct PredictedBatch {
  std::int64_t first = 0;           // its first image's number
  std::vector<std::string> errors;  // [B]; "": the image was there
  Predictions predictions;          // [B, top]; of an image that was not there, of no meaning
  std::vector<float> features;      // [B, width], NaN where the image was not there; when kept
};

// The model in evaluation mode over all images, rendered as evaluate() does, or cropped and averaged as
// evaluate_crops() does. Calls `sink` with batch after batch, in order; memory holds a few of them. False
// when a stop signal came in between.
bool predict(Model& model, const Device& device, std::shared_ptr<const ImageSupply> images,
             const PredictOptions& options, const std::function<void(const PredictedBatch&)>& sink);

}  // namespace smlp
