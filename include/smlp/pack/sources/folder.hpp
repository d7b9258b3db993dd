#pragma once
#include "smlp/pack/sources/source.hpp"

namespace smlp {

// A folder, or an archive of one, with a folder of images for each class, at any depth below it, where
// find_layout() finds it: CLASS/… or SPLIT/CLASS/…. An archive is read twice, its names first. Without splits
// the images are the one split asked for, "train" if none was. The classes are the training split's folders,
// in class_order(), or options.classes: only those, in that order. Another split may lack some of them, and
// have no others. Files are known by their first bytes; one that is only named like an image is an error, and
// what is none is told in a warning.
SourceResult read_folder(const SourceRequest& request, const SampleSink& sink);

}  // namespace smlp
