#pragma once
#include "smlp/pack/sources/source.hpp"

namespace smlp {

// STL-10's binary version (stl10_binary.tar.gz, or its folder): {train,test}_{X,y}.bin, unlabeled_X.bin and
// class_names.txt. X: images of 3×96×96 bytes, a plane a channel, each plane column by column; y: a byte an
// image, 1 to 10. Either may come first. Samples are named file:record; those of "unlabeled" have label −1.
SourceResult read_stl10(const SourceRequest& request, const SampleSink& sink);

}  // namespace smlp
