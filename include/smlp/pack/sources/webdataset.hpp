#pragma once
#include "smlp/pack/sources/source.hpp"

namespace smlp {

// WebDataset shards: one tar file (plain or compressed), a folder of them, or a pattern of up to a million,
// name-{000000..000012}.tar, all of which must exist. Splits: as choose_shards() says.
//
// A shard's files with the same key (the path up to the first dot of the file's name) are one sample and lie
// together: an image (KEY.jpg, KEY.png, KEY.webp, …), and its label in KEY.cls (a whole number as text, or a
// name that options.classes lists) or KEY.json (an object whose "label", or else "cls", is a whole number),
// before or after it; with both, .cls counts. Other files are passed over and counted, labels without an
// image are told in a warning. Samples are named SHARD/KEY.EXT. Classes: options.classes, or the labels'
// numbers.
SourceResult read_webdataset(const SourceRequest& request, const SampleSink& sink);

}  // namespace smlp
