#include "smlp/formats/webp.hpp"

#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "smlp/core/error.hpp"

namespace smlp {
namespace {

struct DeleteDecoder {
  void operator()(WebPAnimDecoder* decoder) const { WebPAnimDecoderDelete(decoder); }
};

void check_size(const WebPData& data, std::string_view name) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data.bytes, data.size, &features) != VP8_STATUS_OK)
    fail(ErrorKind::data, "{}: not a readable WebP: broken or cut-off header", name);
  if (std::int64_t{features.width} * features.height > max_image_pixels)
    fail(ErrorKind::data, "{}: a WebP of {} x {} pixels, at most {} are accepted", name, features.width,
         features.height, max_image_pixels);
}

}  // namespace

Image decode_webp(std::span<const std::byte> bytes, std::string_view name) {
  const WebPData data{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  check_size(data, name);
  WebPAnimDecoderOptions options;
  WebPAnimDecoderOptionsInit(&options);
  const std::unique_ptr<WebPAnimDecoder, DeleteDecoder> decoder(WebPAnimDecoderNew(&data, &options));
  WebPAnimInfo info;
  std::uint8_t* rgba = nullptr;
  int time = 0;
  if (!decoder || !WebPAnimDecoderGetInfo(decoder.get(), &info) ||
      !WebPAnimDecoderGetNext(decoder.get(), &rgba, &time))
    fail(ErrorKind::data, "{}: not a readable WebP: broken or cut off ({} bytes)", name, bytes.size());
  const std::size_t pixels = std::size_t{info.canvas_width} * info.canvas_height;
  Image image{static_cast<int>(info.canvas_width), static_cast<int>(info.canvas_height),
              std::vector<std::uint8_t>(3 * pixels)};
  for (std::size_t i = 0; i < pixels; ++i)
    for (std::size_t c = 0; c < 3; ++c) image.pixels[3 * i + c] = rgba[4 * i + c];
  return image;
}

}  // namespace smlp
