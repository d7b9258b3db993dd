#pragma once
#include "smlp/pack/sources/source.hpp"

namespace smlp {

// Reads as `read` does. With options.real_labels, ReaL's real.json, the test images get its labels, found by
// the numbers in their names (validation_number()). A list of another length than validation_images, a test
// image of another name, other than imagenet_classes classes, wnids in another order than theirs, no test
// image: Error(data). No test split asked for: Error(usage).
SourceResult read_with_real_labels(ReadSource read, const SourceRequest& request, const SampleSink& sink);

// The same, for a row of the registry.
template <ReadSource read>
SourceResult with_real_labels(const SourceRequest& request, const SampleSink& sink) {
  return read_with_real_labels(read, request, sink);
}

}  // namespace smlp
