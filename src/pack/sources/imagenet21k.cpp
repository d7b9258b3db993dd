#include "smlp/pack/sources/imagenet21k.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/hash.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/formats/archive.hpp"
#include "smlp/pack/sources/folder.hpp"

namespace smlp {
namespace {

constexpr std::size_t held_limit = std::size_t{1} << 30;

// One class's images on their way to the two splits: held back until it is known that the class has enough of
// them, and while they may be among those that are set aside.
class ClassImages {
 public:
  ClassImages(std::string name, const SourceRequest& request, const SampleSink& sink, NamedLabels& labels)
      : name_(std::move(name)), request_(request), sink_(sink), labels_(labels) {}

  void add(RawSample&& sample) {
    ++count_;
    hold_back(sample.encoded.size());
    if (count_ <= request_.options.min_images - 1) {
      early_.push_back(std::move(sample));
      return;
    }
    release_early();
    choose(std::move(sample));
  }

  // False: the class had too few images and gave none.
  bool finish() {
    if (count_ < std::max<std::int64_t>(1, request_.options.min_images)) return false;
    release_early();
    if (count_ <= request_.options.holdout)
      fail(ErrorKind::data,
           "class {} has {} images, of which --holdout {} would leave none to train on; give "
           "--min-images",
           name_, count_, request_.options.holdout);
    for (auto& [rank, sample] : aside_) give("test", std::move(sample));
    return true;
  }

  std::int64_t count() const { return count_; }

 private:
  void hold_back(std::size_t bytes) {
    if (request_.options.min_images <= 1 && request_.options.holdout == 0) return;
    held_ += bytes;
    if (held_ > held_limit)
      fail(ErrorKind::data, "class {}: over 1 GiB of images held back by --min-images and --holdout", name_);
  }

  void release_early() {
    for (RawSample& each : std::exchange(early_, {})) choose(std::move(each));
  }

  void choose(RawSample&& sample) {
    if (request_.options.holdout > 0) {
      std::string rank = xxh3_hex(std::as_bytes(std::span(sample.name))) + sample.name;
      aside_.emplace(std::move(rank), std::move(sample));
      if (std::ssize(aside_) <= request_.options.holdout) return;
      sample = std::move(aside_.extract(std::prev(aside_.end())).mapped());
    }
    give("train", std::move(sample));
  }

  void give(const std::string& split, RawSample&& sample) {
    held_ -= std::min(held_, sample.encoded.size());
    if (!request_.wants(split)) return;
    labels_.add(split, name_);
    sample.split = split;
    sink_(std::move(sample));
  }

  const std::string name_;
  const SourceRequest& request_;
  const SampleSink& sink_;
  NamedLabels& labels_;
  std::int64_t count_ = 0;
  std::size_t held_ = 0;
  std::vector<RawSample> early_;
  std::map<std::string, RawSample> aside_;  // by the hash of its name
};

class Reading {
 public:
  Reading(const SourceRequest& request, const SampleSink& sink) : request_(request), sink_(sink) {
    listed_ = listed_classes(request);
    missing_ = {listed_.begin(), listed_.end()};
  }

  // Nothing where there are no classes' tar files.
  std::optional<SourceResult> read() {
    read_archive(
        request_.from, [&](const std::string& path) { return wanted(path); },
        [&](ArchiveEntry& entry) { read_class(entry); });
    if (met_.empty() && !names_tars_) return std::nullopt;
    if (!missing_.empty())
      fail(ErrorKind::data, "{}: {} of the {} classes in {} are not there, or have too few images: {}",
           request_.from.string(), missing_.size(), listed_.size(), request_.options.classes.string(),
           *missing_.begin());
    if (!labels_.has("train") && !labels_.has("test"))
      fail(ErrorKind::data, "{}: no class of {} has {} images; expected a folder or tar file of n*.tar",
           request_.from.string(), met_.size(), std::max<std::int64_t>(1, request_.options.min_images));
    return labels_.finish(listed_, skipped_);
  }

 private:
  bool wanted(const std::string& path) {
    if (is_hidden(path_parts(path))) return false;
    if (path.ends_with('/')) return true;
    const std::string name = class_of_tar(path_parts(path).back());
    names_tars_ = names_tars_ || !name.empty();
    if (!name.empty() && (listed_.empty() || missing_.contains(name))) return true;
    ++skipped_;
    return false;
  }

  void read_class(ArchiveEntry& archive) {
    const std::string name = class_of_tar(path_parts(archive.path()).back());
    if (!met_.insert(name).second)
      fail(ErrorKind::data, "{}: class {} is there twice", archive.where(), name);
    ClassImages images(name, request_, sink_, labels_);
    read_archive(
        archive, [](const std::string& path) { return !path.ends_with('/'); },
        [&](ArchiveEntry& entry) {
          images.add({"", name + "/" + entry.path(), entry.bytes(), {}});
        });
    if (images.count() == 0) fail(ErrorKind::data, "{}: holds no images", archive.where());
    if (images.finish())
      missing_.erase(name);
    else
      skipped_ += images.count();
  }

  const SourceRequest& request_;
  const SampleSink& sink_;
  std::vector<std::string> listed_;
  std::set<std::string> missing_, met_;
  bool names_tars_ = false;
  NamedLabels labels_;
  std::int64_t skipped_ = 0;
};

}  // namespace

SourceResult read_imagenet21k(const SourceRequest& request, const SampleSink& sink) {
  if (std::optional<SourceResult> tars = Reading(request, sink).read()) return std::move(*tars);
  if (request.options.min_images > 0 || request.options.holdout > 0)
    fail(ErrorKind::data,
         "{}: holds no tar files of a class each, of which --min-images and --holdout choose; pack class "
         "folders "
         "without them, split as they are",
         request.from.string());
  return read_folder(request, sink);
}

}  // namespace smlp
