#pragma once
#include "smlp/pack/sources/source.hpp"

namespace smlp {

// Tiny-ImageNet-200, zip or tar as downloaded or unpacked, with or without a folder around it; read twice:
// train/WNID/images/*, val/images/* with val_annotations.txt wherever that lies in the archive. The
// unlabelled test/ is skipped: "test" is val. Classes are the wnids in bytewise order, which is not the order
// of wnids.txt, or options.classes: only those, in that order.
SourceResult read_tiny_imagenet(const SourceRequest& request, const SampleSink& sink);

}  // namespace smlp
