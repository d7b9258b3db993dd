#pragma once
#include "smlp/pack/sources/source.hpp"

namespace smlp {

// A folder, or an archive of one, with a folder of JPEG or PNG files for each class, at any depth below it:
// CLASS/…, or SPLIT/CLASS/…, or ROOT/SPLIT/CLASS/…, where SPLIT is train, test or val. An archive's first
// image decides which. Without splits the images are the one split asked for, "train" if none was. Classes in
// bytewise order, the same in every split. Files are known by their first bytes; one that is only named like
// an image is an error.
SourceResult read_folder(const SourceRequest& request, const SampleSink& sink);

}  // namespace smlp
