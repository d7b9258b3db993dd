#include "smlp/pack/sources/imagenet.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/formats/archive.hpp"
#include "smlp/pack/sources/folder.hpp"
#include "smlp/pack/sources/imagenet_labels.hpp"

namespace smlp {
namespace {

constexpr std::string_view train_tar = "ILSVRC2012_img_train.tar", val_tar = "ILSVRC2012_img_val.tar";
constexpr const char* devkits[] = {"ILSVRC2012_devkit_t12.tar.gz", "ILSVRC2012_devkit_t12"};

bool holds_class_folders(const fs::path& from) {
  return fs::is_directory(from) && !fs::exists(from / train_tar) && !fs::exists(from / val_tar);
}

class ImageNetReading {
 public:
  ImageNetReading(const SourceRequest& request, const SampleSink& sink) : request_(request), sink_(sink) {}

  SourceResult read() {
    const bool folder = fs::is_directory(request_.from);
    if (folder && fs::exists(request_.from / val_tar) && request_.wants("test"))
      read_labels();  // what is wrong with them shows before the training images' hours
    read_archive(
        request_.from,
        [&](const std::string& path) { return folder ? path == train_tar || path == val_tar : wanted(path); },
        [&](ArchiveEntry& entry) {
          if (folder)
            read_tar(entry);
          else
            visit(entry);
        });
    return finish();
  }

 private:
  // One of the two archives, met in a folder.
  void read_tar(ArchiveEntry& archive) {
    if (!request_.wants(archive.path() == train_tar ? "train" : "test")) return;
    read_archive(
        archive, [&](const std::string& path) { return wanted(path); },
        [&](ArchiveEntry& entry) { visit(entry); });
  }

  bool wanted(const std::string& path) {
    if (path.ends_with('/')) return false;
    const std::string_view file = path_parts(path).back();
    if (const std::string name = class_of_tar(file); !name.empty())
      return request_.wants("train") && wants_class(name);
    if (validation_number(path) > 0) return request_.wants("test");
    ++skipped_;
    return false;
  }

  void visit(ArchiveEntry& entry) {
    const std::string class_name = class_of_tar(path_parts(entry.path()).back());
    if (!class_name.empty())
      read_class(entry, class_name);
    else
      add_validation_image(entry);
  }

  void read_class(ArchiveEntry& archive, const std::string& class_name) {
    std::int64_t images = 0;
    read_archive(
        archive, [&](const std::string& path) { return !path.ends_with('/'); },
        [&](ArchiveEntry& entry) {
          labels_.add("train", class_name);
          ++images;
          sink_({"train", class_name + "/" + entry.path(), entry.bytes(), {}});
        });
    train_classes_.insert(class_name);
    if (images == 0) fail(ErrorKind::data, "{}: holds no images", archive.where());
  }

  void add_validation_image(ArchiveEntry& entry) {
    if (!validation_) read_labels();
    const auto wnid = validation_->wnids.find(validation_number(entry.path()));
    if (wnid == validation_->wnids.end())
      fail(ErrorKind::data, "{}: {} has no label for it", entry.where(), labels_file().string());
    if (!wants_class(wnid->second)) return;
    labels_.add("test", wnid->second);
    sink_({"test", entry.path(), entry.bytes(), {}});
  }

  bool wants_class(const std::string& wnid) const {
    return listed_.empty() || std::ranges::find(listed_, wnid) != listed_.end();
  }

  void read_labels() { validation_ = read_validation_labels(labels_file()); }

  fs::path labels_file() const {
    if (!request_.options.labels.empty()) return request_.options.labels;
    if (fs::is_directory(request_.from))
      for (const char* each : devkits)
        if (fs::exists(request_.from / each)) return request_.from / each;
    fail(ErrorKind::data,
         "{}: the validation images' labels are not in it: name the development kit "
         "(ILSVRC2012_devkit_t12.tar.gz) or a list with --labels",
         request_.from.string());
  }

  SourceResult finish() const {
    if (!labels_.has("train") && !labels_.has("test"))
      fail(
          ErrorKind::data,
          "{}: holds neither n*.tar with training images nor ILSVRC2012_val_*.JPEG; expected {}, {} or class "
          "folders",
          request_.from.string(), train_tar, val_tar);
    if (!listed_.empty()) return labels_.finish(listed_, skipped_);
    // Both splits must have one list, also when they are packed one after the other.
    const std::vector<std::string> trained(train_classes_.begin(), train_classes_.end());
    if (validation_ && !trained.empty() && validation_->classes != trained)
      fail(ErrorKind::data, "{}: the training images have {} classes, {} has {}, or others",
           request_.from.string(), trained.size(), labels_file().string(), validation_->classes.size());
    return labels_.finish(validation_ ? validation_->classes : trained, skipped_);
  }

  const SourceRequest& request_;
  const SampleSink& sink_;
  const std::vector<std::string> listed_ = listed_classes(request_);
  std::set<std::string> train_classes_;
  std::optional<ValidationLabels> validation_;
  NamedLabels labels_;
  std::int64_t skipped_ = 0;
};

}  // namespace

SourceResult read_imagenet(const SourceRequest& request, const SampleSink& sink) {
  if (holds_class_folders(request.from)) return read_folder(request, sink);
  return ImageNetReading(request, sink).read();
}

}  // namespace smlp
