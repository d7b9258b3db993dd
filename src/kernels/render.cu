// A batch's images from packed pixels: cropped, resized, mirrored, normalised, and mixed with the image
// before.
#include "smlp/kernels/elements.hpp"
#include "smlp/kernels/rendering.hpp"

namespace smlp {
namespace {

template <class Element>
void render_run_of(const Rendering& r, Element* out, long long images, int mixed, float own_weight,
                   float other_weight) {
  const int places = r.size * r.size, tiles = (places + render_threads - 1) / render_threads;
  const int place = static_cast<int>(blockIdx.x) % tiles * render_threads + threadIdx.x;
  if (place >= places) return;
  const int seen = r.order == nullptr ? place : static_cast<int>(r.order[place]);
  const int x = seen % r.size, y = seen / r.size;
  const long long first = static_cast<long long>(blockIdx.x) / tiles * render_run;
  const long long end = first + render_run < images ? first + render_run : images;
  RenderedPixel other{};
  if (mixed) other = render_pixel(r, r.views[first], x, y);
  for (long long i = first; i < end; ++i) {
    const RenderedPixel own = render_pixel(r, r.views[i + mixed], x, y);
    for (int c = 0; c < 3; ++c) {
      const float value =
          mixed ? own_weight * own.channel[c] + other_weight * other.channel[c] : own.channel[c];
      store(out + (i * 3 + c) * places + place, value);
    }
    other = own;
  }
}

}  // namespace
}  // namespace smlp

// mixed, 0 or 1: views holds one more, the first image's partner, before the others.
extern "C" __global__ void __launch_bounds__(256)
    render(const smlp::Rendering rendering, void* out, int is_bf16, long long images, int mixed,
           float own_weight, float other_weight) {
  if (is_bf16)
    smlp::render_run_of(rendering, static_cast<unsigned short*>(out), images, mixed, own_weight,
                        other_weight);
  else
    smlp::render_run_of(rendering, static_cast<float*>(out), images, mixed, own_weight, other_weight);
}
