#include "smlp/pack/sources/imagenet_real_labels.hpp"

#include <algorithm>

#include "smlp/core/error.hpp"
#include "smlp/pack/sources/imagenet_labels.hpp"

namespace smlp {
namespace {

std::size_t place_in_list(const RawSample& sample, const std::string& from) {
  const std::int64_t number = validation_number(sample.name);
  if (number < 1 || number > validation_images)
    fail(ErrorKind::data,
         "{}: {}: not one of ImageNet's validation images (ILSVRC2012_val_NNNNNNNN.JPEG), to which "
         "--real-labels belong",
         from, sample.name);
  return static_cast<std::size_t>(number - 1);
}

}  // namespace

SourceResult read_with_real_labels(ReadSource read, const SourceRequest& request, const SampleSink& sink) {
  const std::filesystem::path& list = request.options.real_labels;
  if (list.empty()) return read(request, sink);
  if (!request.wants("test"))
    fail(ErrorKind::usage, "--real-labels belong to the test split, which --split leaves out");
  const RealLabels all = read_real_labels(list, validation_images, imagenet_classes);
  const std::string from = request.from.string();
  RealLabels given;
  SourceResult result = read(request, [&](RawSample&& sample) {
    if (sample.split == "test") given.push_back(all[place_in_list(sample, from)]);
    sink(std::move(sample));
  });
  if (result.classes.size() != imagenet_classes)
    fail(ErrorKind::data, "--real-labels number ImageNet's {} classes, {} has {}", imagenet_classes, from,
         result.classes.size());
  if (std::ranges::all_of(result.classes, is_wnid) && !std::ranges::is_sorted(result.classes))
    fail(ErrorKind::data,
         "--real-labels number the classes by their sorted wnids; {} lists them in another order",
         request.options.classes.string());
  if (given.empty()) fail(ErrorKind::data, "{}: has no test images for --real-labels", from);
  result.real_labels["test"] = std::move(given);
  return result;
}

}  // namespace smlp
