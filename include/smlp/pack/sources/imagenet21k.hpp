#pragma once
#include "smlp/pack/sources/source.hpp"

namespace smlp {

// ImageNet-21k: a tar file, or a folder, of one tar file a class (n00005787.tar), at any depth. Classes in
// bytewise order, or as options.classes lists them: then only those, and all of them.
// options.min_images: classes with fewer images are left out; options.holdout: of the others that many images
// are the test split, those whose names hash lowest, so that the choice follows no order of the files. Ridnik
// et al. (2021, "ImageNet-21K Pretraining for the Masses") take 500 and 50. Memory holds up to that many
// images of one class, at most 1 GiB.
// Without such tar files it is read as read_folder() does: the processed release has folders
// imagenet21k_train and imagenet21k_val. The two options are refused there: Error(data).
SourceResult read_imagenet21k(const SourceRequest& request, const SampleSink& sink);

}  // namespace smlp
