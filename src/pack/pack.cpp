#include "smlp/pack/pack.hpp"

#include <algorithm>
#include <chrono>

#include "pack/pack_job.hpp"
#include "pack/pack_losses.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/threads.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/data/fit_image.hpp"
#include "smlp/data/split_names.hpp"
#include "smlp/formats/decode.hpp"
#include "smlp/pack/ordered_decoder.hpp"
#include "smlp/pack/pack_folder.hpp"
#include "smlp/pack/sources/registry.hpp"

namespace smlp {
namespace {

constexpr std::int64_t progress_every = 64;

void add_sums(DecodedSample& sample) {
  const std::vector<std::uint8_t>& pixels = sample.image.pixels;
  for (std::size_t i = 0; i < pixels.size(); i += 3)
    for (int c = 0; c < 3; ++c) {
      const std::uint32_t value = pixels[i + c];
      sample.sums[c] += value;
      sample.squares[c] += value * value;
    }
}

class Packer {
 public:
  Packer(const PackOptions& options, const DataSource& source)
      : options_(options),
        source_(source),
        request_{options.from, options.splits, options.source_options},
        folder_(options.to, pack_job_text(options), options.resume) {
    refuse_existing();
    side_ = folder_.progress().image_size;
  }

  PackReport run() {
    PackReport report;
    report.threads = available_cores();
    report.continued = folder_.images();
    if (!folder_.progress().complete) {
      OrderedDecoder decoder(
          report.threads, [this](RawSample&& sample) { return decode(std::move(sample)); },
          [this](DecodedSample&& sample) { write(sample); });
      const SourceResult result = source_.read(request_, [&](RawSample&& sample) {
        stop_when_told();
        if (!folder_.is_done(sample)) decoder.add(std::move(sample));
      });
      decoder.finish();
      report.skipped = result.skipped;
      finish(result);
    }
    folder_.commit();
    if (options_.progress) options_.progress(folder_.images());
    describe(report);
    return report;
  }

 private:
  void refuse_existing() const {
    if (folder_.progress().complete) return;  // half committed: those that exist are its own
    for (const char* name : split_names)
      if (request_.wants(name) && fs::exists(fs::symlink_status(options_.to / name)))
        fail(ErrorKind::data,
             "{} exists: remove it, choose another --to, or name the split to pack with --split",
             (options_.to / name).string());
  }

  std::string where(const RawSample& sample) const { return options_.from.string() + ": " + sample.name; }

  void stop_when_told() {
    if (stop_signal() == 0) return;
    folder_.keep();
    throw Interrupted(fmt::format(
        "stopped by a signal after {} images; the same command with --continue goes on", folder_.images()));
  }

  // On the decoder's threads.
  DecodedSample decode(RawSample&& raw) const {
    DecodedSample sample;
    sample.raw = std::move(raw);
    sample.source_hash = hash_of(sample.raw);
    try {
      decode_into(sample);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      if (options_.skip_bad == 0)
        fail(ErrorKind::data, "{}; --skip-bad N leaves out up to N such images", error.what());
      sample.error = error.what();
    }
    sample.raw.encoded = {};
    return sample;
  }

  void decode_into(DecodedSample& sample) const {
    RawSample& raw = sample.raw;
    const int size = options_.size;
    Image image = raw.pixels.pixels.empty()
                      ? decode_image(raw.encoded, where(raw), options_.fast_decode ? size : 0)
                      : std::move(raw.pixels);
    sample.resized = size != 0 && (image.width != size || image.height != size);
    sample.image =
        sample.resized ? fit_image(std::move(image), size, options_.resize, where(raw)) : std::move(image);
    add_sums(sample);
  }

  void write(const DecodedSample& sample) {
    stop_when_told();
    if (!sample.error.empty()) {
      leave_out(sample);
      return;
    }
    check_size(sample);
    if (sample.resized) folder_.set_resized();
    folder_.append(sample, side_);
    if (folder_.images() % progress_every == 0 && options_.progress) options_.progress(folder_.images());
  }

  void leave_out(const DecodedSample& sample) {
    if (folder_.left_out() >= options_.skip_bad)
      fail(ErrorKind::data, "{}; {} bad images were left out before it, as many as --skip-bad allows",
           sample.error, folder_.left_out());
    log().warn("left out: {}", sample.error);
    folder_.leave_out(sample);
  }

  void check_size(const DecodedSample& sample) {
    const int width = sample.image.width, height = sample.image.height;
    if (side_ == 0)
      side_ = options_.size != 0 ? options_.size : source_.native_size != 0 ? source_.native_size : width;
    if (width != height)
      fail(ErrorKind::data, "{}: {}×{} pixels, and packed images are square; give --size N for N×N",
           where(sample.raw), width, height);
    if (width != side_)
      fail(ErrorKind::data, "{}: {}×{} pixels, and {} {}×{}; give --size N for N×N", where(sample.raw), width,
           height, source_.native_size != 0 ? fmt::format("{}'s have", source_.name) : "those before it have",
           side_, side_);
    if (side_ > max_image_size)
      fail(ErrorKind::data, "{}: {} pixels a side, at most {} can be packed; give --size", where(sample.raw),
           side_, max_image_size);
  }

  void finish(const SourceResult& result) {
    for (const std::string& each : result.warnings) log().warn("{}", each);
    warn_of_losses(result, folder_.progress().left_out);
    DatasetInfo info;
    info.source = source_.name;
    info.family = source_.family;
    info.resize = folder_.progress().resized ? options_.resize : "none";
    info.decode = options_.fast_decode ? "fast" : "accurate";
    info.classes = result.classes;
    check_other_split(info, result);
    for (const auto& [split, labels] : result.labels) {
      DatasetInfo own = info;
      if (split == "unlabeled") own.classes.clear();
      folder_.finish(split, std::move(own), labels);
    }
    for (const auto& [split, labels] : result.real_labels) folder_.write_real_labels(split, labels);
  }

  // A split packed earlier into the same root must have the same classes.
  void check_other_split(const DatasetInfo& info, const SourceResult& result) const {
    for (const char* name : split_names) {
      if (result.labels.contains(name) || !fs::exists(options_.to / name / "dataset.json")) continue;
      const auto other = Dataset::open(options_.to / name);
      if (other->classes() > 0 && other->info().classes != info.classes)
        fail(ErrorKind::data,
             "{} has other classes than {}; pack both splits from one source, or choose another --to",
             other->description(), options_.from.string());
    }
  }

  void describe(PackReport& report) const {
    for (const auto& [name, done] : folder_.progress().splits) {
      const auto split = Dataset::open(options_.to / name);
      report.image_size = split->image_size();
      report.classes = std::max(report.classes, split->classes());
      report.splits.push_back(
          {name, split->size(),
           static_cast<std::uint64_t>(split->size()) * split->image_size() * split->image_size() * 3});
    }
    report.left_out = folder_.left_out();
  }

  const PackOptions& options_;
  const DataSource& source_;
  const SourceRequest request_;
  PackFolder folder_;
  int side_ = 0;
};

}  // namespace

PackReport pack(const PackOptions& options) {
  check_pack_options(options);
  PackOptions known = options;
  for (std::string& each : known.splits) each = split_of_word(each);
  const DataSource& source = find_data_source(options.source);
  check_source_options(options.source_options, source);
  std::error_code none;
  if (fs::equivalent(options.from, options.to, none))
    fail(ErrorKind::usage, "--from and --to are both {}: the packed set would lie among what it is made of",
         options.to.string());
  const auto start = std::chrono::steady_clock::now();
  PackReport report = Packer(known, source).run();
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace smlp
