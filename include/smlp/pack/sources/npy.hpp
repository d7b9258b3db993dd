#pragma once
#include "smlp/pack/sources/source.hpp"

namespace smlp {

// A user's own arrays: a folder with images.npy, uint8 [N, H, W, 3] in C order, and labels.npy, whole numbers
// [N]; or such pairs in train/ and test/ (or val/) below it. The split of a pair not below one of these is as
// choose_shards() says. Samples are named images.npy:index. Classes: options.classes, or else classes.txt in
// the folder given (one name a line), or the labels' numbers.
SourceResult read_npy(const SourceRequest& request, const SampleSink& sink);

}  // namespace smlp
