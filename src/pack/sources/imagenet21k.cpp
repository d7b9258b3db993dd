#include "smlp/pack/sources/imagenet21k.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/data/class_lists.hpp"
#include "smlp/formats/archive.hpp"
#include "smlp/pack/sources/class_images.hpp"
#include "smlp/pack/sources/folder.hpp"

namespace smlp {
namespace {

class ImageNet21kReading {
 public:
  ImageNet21kReading(const SourceRequest& request, const SampleSink& sink) : request_(request), sink_(sink) {
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
  if (std::optional<SourceResult> tars = ImageNet21kReading(request, sink).read()) return std::move(*tars);
  if (request.options.min_images > 0 || request.options.holdout > 0)
    fail(ErrorKind::data,
         "{}: holds no tar files of a class each, of which --min-images and --holdout choose; pack class "
         "folders "
         "without them, split as they are",
         request.from.string());
  return read_folder(request, sink);
}

}  // namespace smlp
