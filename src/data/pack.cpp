#include "smlp/data/pack.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <map>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/threads.hpp"
#include "smlp/data/ordered_decoder.hpp"
#include "smlp/data/sources/registry.hpp"
#include "smlp/data/split_writer.hpp"
#include "smlp/formats/decode.hpp"
#include "smlp/formats/resample.hpp"

namespace smlp {
namespace {

constexpr std::int64_t progress_every = 64;

// torchvision's Resize(size) and CenterCrop(size), in its rounding.
Image crop_to(const Image& image, int size, const std::string& name) {
  const std::int64_t shorter = std::min(image.width, image.height);
  const std::int64_t width = size * std::int64_t{image.width} / shorter,
                     height = size * std::int64_t{image.height} / shorter;
  if (width * height > max_image_pixels)
    fail(ErrorKind::data, "{}: {}×{} pixels are too long and narrow to crop; pack with --resize squash", name,
         image.width, image.height);
  const std::vector<std::uint8_t> scaled =
      resize_rgb(image.pixels.data(), image.width, 0, 0, image.width, image.height, static_cast<int>(width),
                 static_cast<int>(height));
  const auto x = static_cast<std::int64_t>(std::nearbyint((width - size) / 2.0));
  const auto y = static_cast<std::int64_t>(std::nearbyint((height - size) / 2.0));
  Image result{size, size, std::vector<std::uint8_t>(std::size_t{3} * size * size)};
  for (int row = 0; row < size; ++row)
    std::memcpy(result.pixels.data() + std::size_t{3} * row * size,
                scaled.data() + ((y + row) * width + x) * 3, std::size_t{3} * size);
  return result;
}

void add_sums(DecodedSample& sample) {
  const std::vector<std::uint8_t>& pixels = sample.image.pixels;
  for (std::size_t i = 0; i < pixels.size(); i += 3)
    for (int c = 0; c < 3; ++c) {
      const std::uint32_t value = pixels[i + c];
      sample.sums[c] += value;
      sample.squares[c] += value * value;
    }
}

void check_options(const PackOptions& options) {
  if (options.size < 0 || options.size > max_image_size)
    fail(ErrorKind::usage, "--size {}: expected 1 to {}, or 0 for the images' own", options.size,
         max_image_size);
  if (options.resize != "squash" && options.resize != "crop")
    fail(ErrorKind::usage, "--resize {}: expected squash or crop", options.resize);
  for (const std::string& each : options.splits)
    if (each != "train" && each != "test" && each != "val")
      fail(ErrorKind::usage, "--split {}: expected train, test or val", each);
  if (std::count_if(options.splits.begin(), options.splits.end(),
                    [](const std::string& each) { return each != "train"; }) > 1)
    fail(ErrorKind::usage, "--split test and --split val are written to the same place: choose one");
}

// The folder a pack goes to; a new one is removed again unless the pack is finished.
class Root {
 public:
  explicit Root(const fs::path& path) : path_(path) {
    std::error_code error;
    made_ = fs::create_directories(path, error);
    if (error) fail(ErrorKind::failed, "cannot make the folder {}: {}", path.string(), error.message());
  }
  ~Root() {
    std::error_code ignored;
    if (made_) fs::remove(path_, ignored);  // only when empty
  }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

 private:
  fs::path path_;
  bool made_ = false;
};

class Packer {
 public:
  Packer(const PackOptions& options, const DataSource& source)
      : options_(options), source_(source), root_(options.to) {
    refuse_existing();
  }

  PackReport run() {
    const int threads = available_cores();
    OrderedDecoder decoder(
        threads, [this](RawSample&& sample) { return decode(std::move(sample)); },
        [this](DecodedSample&& sample) { write(sample); });
    SourceResult result = source_.read({options_.from, options_.splits, {}},
                                       [&](RawSample&& sample) { decoder.add(std::move(sample)); });
    decoder.finish();
    PackReport report;
    report.threads = threads;
    finish(result, report);
    return report;
  }

 private:
  void refuse_existing() const {
    for (const std::string name : {"train", "test"}) {
      const bool wanted =
          options_.splits.empty() ||
          std::any_of(options_.splits.begin(), options_.splits.end(),
                      [&](const std::string& each) { return (each == "train") == (name == "train"); });
      if (wanted && fs::exists(fs::symlink_status(options_.to / name)))
        fail(ErrorKind::data,
             "{} exists: remove it, choose another --to, or name the split to pack with --split",
             (options_.to / name).string());
    }
  }

  std::string where(const RawSample& sample) const { return options_.from.string() + ": " + sample.name; }

  // On the decoder's threads.
  DecodedSample decode(RawSample&& raw) const {
    DecodedSample sample;
    sample.image = raw.encoded.empty() ? std::move(raw.pixels) : decode_image(raw.encoded, where(raw));
    raw.encoded = {};
    sample.raw = std::move(raw);
    const int size = options_.size;
    Image& image = sample.image;
    sample.resized = size != 0 && (image.width != size || image.height != size);
    if (sample.resized && options_.resize == "crop") {
      image = crop_to(image, size, where(sample.raw));
    } else if (sample.resized) {
      image = {size, size,
               resize_rgb(image.pixels.data(), image.width, 0, 0, image.width, image.height, size, size)};
    }
    add_sums(sample);
    return sample;
  }

  void write(const DecodedSample& sample) {
    if (stop_signal() != 0)
      fail(ErrorKind::failed, "stopped by a signal; nothing was written to {}", options_.to.string());
    check_size(sample);
    resized_ = resized_ || sample.resized;
    auto writer = writers_.find(sample.raw.split);
    if (writer == writers_.end())
      writer = writers_.try_emplace(sample.raw.split, options_.to / sample.raw.split, side_).first;
    writer->second.append(sample);
    if (++written_ % progress_every == 0 && options_.progress) options_.progress(written_);
  }

  void check_size(const DecodedSample& sample) {
    const int width = sample.image.width, height = sample.image.height;
    if (side_ == 0)
      side_ = options_.size != 0 ? options_.size : source_.native_size != 0 ? source_.native_size : width;
    if (width != side_ || height != side_)
      fail(ErrorKind::data,
           "{}: {}×{} pixels where {}×{} were expected; give --size N to resize all images to N×N",
           where(sample.raw), width, height, side_, side_);
    if (side_ > max_image_size)
      fail(ErrorKind::data, "{}: {} pixels a side, at most {} can be packed; give --size", where(sample.raw),
           side_, max_image_size);
  }

  void finish(const SourceResult& result, PackReport& report) {
    DatasetInfo info;
    info.source = source_.name;
    info.family = source_.family;
    info.resize = resized_ ? options_.resize : "none";
    info.classes = result.classes;
    check_other_split(info);
    for (auto& [name, writer] : writers_) {
      writer.finish(info, result.labels.at(name));
      report.splits.push_back(
          {name, writer.images(), static_cast<std::uint64_t>(writer.images()) * side_ * side_ * 3});
    }
    for (auto& [name, writer] : writers_) writer.commit();
    report.classes = static_cast<int>(info.classes.size());
    report.image_size = side_;
    report.skipped = result.skipped;
    if (options_.progress) options_.progress(written_);
  }

  // A split packed earlier into the same root must have the same classes.
  void check_other_split(const DatasetInfo& info) const {
    for (const char* name : {"train", "test"}) {
      if (writers_.contains(name) || !fs::exists(options_.to / name / "dataset.json")) continue;
      const auto other = Dataset::open(options_.to / name);
      if (other->info().classes != info.classes)
        fail(ErrorKind::data,
             "{} has other classes than {}; pack both splits from one source, or choose another --to",
             other->description(), options_.from.string());
    }
  }

  const PackOptions& options_;
  const DataSource& source_;
  const Root root_;  // before the writers: their folders are removed first
  std::map<std::string, SplitWriter> writers_;
  int side_ = 0;
  bool resized_ = false;
  std::int64_t written_ = 0;
};

}  // namespace

PackReport pack(const PackOptions& options) {
  check_options(options);
  const DataSource& source = find_data_source(options.source);
  const auto start = std::chrono::steady_clock::now();
  PackReport report = Packer(options, source).run();
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace smlp
