#pragma once
#include "smlp/pack/sources/source.hpp"

namespace smlp {

// CIFAR's binary versions, the archive or its unpacked folder. Records are one label byte (CIFAR-100: the
// coarse one, then the fine) and 3×32×32 pixels, planar. Samples are named file:record.
// CIFAR-10, cifar-10-binary.tar.gz: data_batch_1..5.bin, test_batch.bin, batches.meta.txt.
SourceResult read_cifar10(const SourceRequest& request, const SampleSink& sink);

// CIFAR-100, cifar-100-binary.tar.gz: train.bin, test.bin, fine_label_names.txt, coarse_label_names.txt. The
// 100 fine classes, or with options.coarse the 20 superclasses.
SourceResult read_cifar100(const SourceRequest& request, const SampleSink& sink);

}  // namespace smlp
