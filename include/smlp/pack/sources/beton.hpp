#pragma once
#include "smlp/pack/sources/source.hpp"

namespace smlp {

// FFCV's files (formats/beton.hpp): one, or a folder of .beton and .ffcv files. Splits: as choose_shards()
// says. Samples are named file:index. Classes: options.classes, or the labels' numbers.
SourceResult read_beton(const SourceRequest& request, const SampleSink& sink);

}  // namespace smlp
