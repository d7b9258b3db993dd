#pragma once
#include "smlp/pack/sources/source.hpp"

namespace smlp {

// ImageNet-1k (ILSVRC 2012) as distributed. PATH is ILSVRC2012_img_train.tar (a tar file of one tar file a
// class), ILSVRC2012_img_val.tar (ILSVRC2012_val_NNNNNNNN.JPEG), a folder with either or both, or class
// folders as read_folder() takes them. Classes are the wnids in bytewise order. Labels of the validation
// images come from options.labels or, in a folder, from the development kit in it
// (ILSVRC2012_devkit_t12.tar.gz or its unpacked folder): see read_validation_labels().
SourceResult read_imagenet(const SourceRequest& request, const SampleSink& sink);

}  // namespace smlp
