#pragma once
#include "smlp/data/sources/source.hpp"

namespace smlp {

// CIFAR-10, binary version (cifar-10-binary.tar.gz or its unpacked folder): data_batch_1..5.bin,
// test_batch.bin of records of one label byte and 3×32×32 pixels, planar; class names from batches.meta.txt.
// Samples are named file:record.
SourceResult read_cifar10(const SourceRequest& request, const SampleSink& sink);

}  // namespace smlp
