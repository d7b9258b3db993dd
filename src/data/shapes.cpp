#include "smlp/data/shapes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "smlp/core/error.hpp"
#include "smlp/core/rng.hpp"
#include "smlp/core/threads.hpp"
#include "smlp/data/block_hash.hpp"

namespace smlp {
namespace {

constexpr double pi = std::numbers::pi;

struct Point {
  double x, y;
};
struct Color {
  std::array<double, 3> rgb;
};

double length(Point p) {
  return std::sqrt(p.x * p.x + p.y * p.y);
}

// Signed distances to outlines of about unit radius, negative inside.
double disc(Point p) {
  return length(p) - 0.9;
}
double ring(Point p) {
  return std::abs(length(p) - 0.75) - 0.22;
}
double box(Point p, double half_width, double half_height) {
  return std::max(std::abs(p.x) - half_width, std::abs(p.y) - half_height);
}
double square(Point p) {
  return box(p, 0.8, 0.8);
}
double frame(Point p) {
  return std::abs(box(p, 0.72, 0.72)) - 0.18;
}
double triangle(Point p) {
  return std::max({p.y - 0.6, -0.5 * p.y + 0.866 * p.x - 0.5, -0.5 * p.y - 0.866 * p.x - 0.5});
}
double cross(Point p) {
  return std::min(box(p, 1.0, 0.28), box(p, 0.28, 1.0));
}
double star(Point p) {
  constexpr double sine = 0.58778525229247313, cosine = 0.80901699437494742;  // of half a sector, pi / 5
  // Mirrored into the half sector from the outer corner (radius 1.1, straight up) to the inner one (0.45).
  double x = std::abs(p.x), y = -p.y;
  const auto mirror = [&](double normal_x, double normal_y) {
    const double beyond = std::max(0.0, normal_x * x + normal_y * y);
    x -= 2 * beyond * normal_x, y -= 2 * beyond * normal_y;
  };
  mirror(cosine, -sine);
  mirror(-cosine, -sine);
  x = std::abs(x);
  const double nx = 1.1 - 0.45 * cosine, ny = 0.45 * sine;
  return (nx * x + ny * (y - 1.1)) / std::sqrt(nx * nx + ny * ny);
}
double crescent(Point p) {
  return std::max(length(p) - 0.95, 0.75 - length({p.x - 0.5, p.y}));
}
double bars(Point p) {
  return box({std::abs(p.x) - 0.6, p.y}, 0.27, 0.95);
}
double hourglass(Point p) {
  return std::max(std::abs(p.y) - 0.9, 0.8 * (std::abs(p.x) - std::abs(p.y)));
}

struct ShapeClass {
  const char* name;
  double (*distance)(Point);
};
constexpr ShapeClass shape_classes[] = {
    {"bars", bars},   {"crescent", crescent},   {"cross", cross}, {"disc", disc},
    {"frame", frame}, {"hourglass", hourglass}, {"ring", ring},   {"square", square},
    {"star", star},   {"triangle", triangle}};
constexpr std::int64_t class_count = std::size(shape_classes);

// Where and how large: pixels from a shape's frame to the image.
struct Placement {
  Point center;
  double scale, cosine, sine;  // of the angle, over the scale
  Point local(double x, double y) const {
    const double dx = x - center.x, dy = y - center.y;
    return {cosine * dx + sine * dy, -sine * dx + cosine * dy};
  }
};

Placement place(RandomStream& random, double jitter, double low, double high, double turn) {
  const double middle = (shapes_size - 1) / 2.0;
  const Point center{middle + random.uniform(-jitter, jitter), middle + random.uniform(-jitter, jitter)};
  const double scale = random.uniform(low, high), angle = random.uniform(-turn, turn);
  return {center, scale, std::cos(angle) / scale, std::sin(angle) / scale};
}

struct Shades {
  double low, high;
};

Color random_color(RandomStream& random, double low, double high) {
  return {{random.uniform(low, high), random.uniform(low, high), random.uniform(low, high)}};
}

// Sines and cosines of evenly spaced angles, each from the one before it by a rotation.
struct Angles {
  std::array<double, shapes_size> sines, cosines;
  Angles(double start, double step) {
    const double sine = std::sin(step), cosine = std::cos(step);
    sines[0] = std::sin(start), cosines[0] = std::cos(start);
    for (int i = 1; i < shapes_size; ++i) {
      sines[i] = sines[i - 1] * cosine + cosines[i - 1] * sine;
      cosines[i] = cosines[i - 1] * cosine - sines[i - 1] * sine;
    }
  }
};

// sin(kx x + ky y + phase) at every pixel.
struct Wave {
  Angles columns, rows;
  Wave(double kx, double ky, double phase) : columns(0, kx), rows(phase, ky) {}
  double at(int x, int y) const {
    return rows.sines[y] * columns.cosines[x] + rows.cosines[y] * columns.sines[x];
  }
};

// Stripes or checks of a random direction, width and strength.
struct Texture {
  Wave along, across;
  double strength;
  bool checks;
  double at(int x, int y) const {
    return strength * (checks ? along.at(x, y) * across.at(x, y) : along.at(x, y));
  }
};

Texture random_texture(RandomStream& random, double most) {
  const double angle = random.uniform(0, pi), frequency = random.uniform(0.6, 2.2);
  const double kx = frequency * std::cos(angle), ky = frequency * std::sin(angle);
  const double phase = random.uniform(0, 2 * pi), strength = random.uniform(0, most);
  return {{kx, ky, phase}, {ky, -kx, 0}, strength, random.below(2) == 1};
}

using Canvas = std::array<std::array<double, 3>, shapes_size * shapes_size>;

void paint_background(Canvas& canvas, RandomStream& random, Shades shades) {
  const Color from = random_color(random, shades.low, shades.high),
              to = random_color(random, shades.low, shades.high);
  const double angle = random.uniform(0, 2 * pi), cosine = std::cos(angle), sine = std::sin(angle);
  const Texture texture = random_texture(random, 12);
  for (int y = 0; y < shapes_size; ++y)
    for (int x = 0; x < shapes_size; ++x) {
      const double t = 0.5 + ((x - 15.5) * cosine + (y - 15.5) * sine) / 44.0, shade = texture.at(x, y);
      for (int c = 0; c < 3; ++c)
        canvas[y * shapes_size + x][c] = from.rgb[c] + t * (to.rgb[c] - from.rgb[c]) + shade;
    }
}

// The pixels from `center` - `reach` to `center` + `reach` that are in the image.
struct Span {
  int begin, end;
  Span(double center, double reach)
      : begin(std::max(0, static_cast<int>(std::floor(center - reach)))),
        end(std::min(shapes_size, static_cast<int>(std::ceil(center + reach)) + 1)) {}
};

void paint(Canvas& canvas, double (*distance)(Point), const Placement& place, const Color& color,
           const Texture& texture) {
  // No shape's corner is farther from its center than 1.3, or at half a pixel's distance 1.6 pixels more.
  const double reach = 1.3 * place.scale + 1.6;
  const Span rows(place.center.y, reach), columns(place.center.x, reach);
  for (int y = rows.begin; y < rows.end; ++y)
    for (int x = columns.begin; x < columns.end; ++x) {
      const double cover = std::clamp(0.5 - distance(place.local(x, y)) * place.scale, 0.0, 1.0);
      if (cover == 0) continue;
      const double shade = texture.at(x, y);
      for (int c = 0; c < 3; ++c) {
        double& value = canvas[y * shapes_size + x][c];
        value += cover * (color.rgb[c] + shade - value);
      }
    }
}

// Small shapes of any class anywhere: what a model must not mistake for the large one.
void paint_clutter(Canvas& canvas, RandomStream& random) {
  const std::uint32_t count = 1 + random.below(4);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Placement where = place(random, 15, 1.0, 2.5, pi);
    const auto& shape = shape_classes[random.below(class_count)];
    paint(canvas, shape.distance, where, random_color(random, 20, 235), random_texture(random, 20));
  }
}

void paint_sample(std::int64_t label, std::uint32_t split, std::int64_t index, std::uint8_t* pixels) {
  RandomStream random(shapes_seed, Purpose::shapes, split, index);
  // Bright on dark or dark on bright: what a linear model cannot undo.
  const bool dark_shape = random.uniform() < 0.25;
  const Shades dark{15, 130}, bright{110, 240};
  Canvas canvas;
  paint_background(canvas, random, dark_shape ? bright : dark);
  paint_clutter(canvas, random);
  const Placement where = place(random, 4.5, 6.5, 11.5, pi / 8);
  const Shades shades = dark_shape ? dark : bright;
  paint(canvas, shape_classes[label].distance, where, random_color(random, shades.low, shades.high),
        random_texture(random, 45));
  for (const auto& pixel : canvas) {
    const std::uint32_t noise = random.next();
    for (int c = 0; c < 3; ++c) {
      const double grain = ((noise >> (8 * c)) & 255) * (24.0 / 255) - 12;
      *pixels++ = static_cast<std::uint8_t>(std::clamp(pixel[c] + grain, 0.0, 255.0));
    }
  }
}

DatasetInfo describe(const std::vector<std::uint8_t>& images, std::int64_t count) {
  DatasetInfo info;
  info.source = "shapes";
  info.resize = "none";
  info.image_size = shapes_size;
  info.images = count;
  for (const ShapeClass& each : shape_classes) info.classes.emplace_back(each.name);
  std::array<std::uint64_t, 3> sums{}, squares{};
  for (std::size_t i = 0; i < images.size(); i += 3)
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint32_t value = images[i + c];
      sums[c] += value, squares[c] += value * value;
    }
  info.statistics = statistics_from_sums(sums, squares, images.size() / 3);
  BlockHasher hasher;
  hasher.add(images.data(), images.size());
  info.block_hashes = hasher.finish();
  return info;
}

std::shared_ptr<const Dataset> paint_dataset(bool train) {
  const std::int64_t count = train ? shapes_train_images : shapes_test_images, chunk = 500;
  constexpr std::int64_t image_bytes = shapes_size * shapes_size * 3;
  std::vector<std::uint8_t> images(count * image_bytes);
  std::vector<std::int64_t> labels(count);
  for_each_index((count + chunk - 1) / chunk, 0, [&](std::int64_t part) {
    for (std::int64_t i = part * chunk; i < std::min(count, (part + 1) * chunk); ++i) {
      labels[i] = i % class_count;
      paint_sample(labels[i], train ? 0 : 1, i, images.data() + i * image_bytes);
    }
  });
  DatasetInfo info = describe(images, count);
  return Dataset::from_memory(std::move(info), std::move(images), std::move(labels));
}

}  // namespace

// Painted once: the runs of several seeds, and tests, train on the same.
std::shared_ptr<const Dataset> shapes_dataset(const std::string& split) {
  if (split != "train" && split != "test" && split != "val")
    fail(ErrorKind::usage, "shapes has no split \"{}\"; it has train and test", split);
  if (split == "train") {
    static const std::shared_ptr<const Dataset> train = paint_dataset(true);
    return train;
  }
  static const std::shared_ptr<const Dataset> test = paint_dataset(false);
  return test;
}

}  // namespace smlp
