#include "smlp/pack/sources/registry.hpp"

#include "smlp/core/error.hpp"
#include "smlp/pack/sources/beton.hpp"
#include "smlp/pack/sources/cifar.hpp"
#include "smlp/pack/sources/folder.hpp"
#include "smlp/pack/sources/imagenet.hpp"
#include "smlp/pack/sources/imagenet21k.hpp"
#include "smlp/pack/sources/imagenet_real_labels.hpp"
#include "smlp/pack/sources/npy.hpp"
#include "smlp/pack/sources/stl10.hpp"
#include "smlp/pack/sources/tiny_imagenet.hpp"
#include "smlp/pack/sources/webdataset.hpp"

namespace smlp {
namespace {

constexpr DataSource sources[] = {
    {"cifar10", "CIFAR-10, binary version (cifar-10-binary.tar.gz)",
     "https://www.cs.toronto.edu/~kriz/cifar.html", "--classes", "cifar", 32, read_cifar10},
    {"cifar100", "CIFAR-100, binary version (cifar-100-binary.tar.gz)",
     "https://www.cs.toronto.edu/~kriz/cifar.html", "--coarse --classes", "cifar", 32, read_cifar100},
    {"stl10", "STL-10, binary version (stl10_binary.tar.gz)", "https://cs.stanford.edu/~acoates/stl10/",
     "--classes", "stl", 96, read_stl10},
    {"tiny-imagenet", "Tiny-ImageNet-200 (tiny-imagenet-200.zip)",
     "https://cs231n.stanford.edu/tiny-imagenet-200.zip", "--classes", "imagenet", 64, read_tiny_imagenet},
    {"imagenet", "ImageNet-1k (ILSVRC2012_img_train.tar, ILSVRC2012_img_val.tar, or a folder with both)",
     "https://image-net.org/challenges/LSVRC/2012/", "--classes --labels --real-labels", "imagenet", 0,
     with_real_labels<read_imagenet>},
    {"imagenet21k", "ImageNet-21k (a folder or tar file of one tar file a class, or the processed release)",
     "https://image-net.org/download-images", "--min-images --holdout --classes", "imagenet", 0,
     read_imagenet21k},
    {"webdataset",
     "WebDataset shards of images with .cls or .json labels (a shard, a folder, name-{000..012}.tar)",
     "https://github.com/webdataset/webdataset", "--classes --real-labels", "", 0,
     with_real_labels<read_webdataset>},
    {"beton", "FFCV's files of RGB images and integer labels (a file, or a folder of them)",
     "https://ffcv.io", "--classes", "", 0, read_beton},
    {"npy",
     "images.npy (uint8 N×H×W×3) and labels.npy in a folder, or in train/ and test/ (or val/) below it", "",
     "--classes", "", 0, read_npy},
    {"folder", "class folders of images, below train/ and test/ (or val/) or without them", "",
     "--classes --holdout --real-labels", "", 0, with_real_labels<read_folder>},
};

}  // namespace

std::span<const DataSource> data_sources() {
  return sources;
}

const DataSource& find_data_source(const std::string& name) {
  std::string names;
  for (const DataSource& each : sources) {
    if (name == each.name) return each;
    names += names.empty() ? each.name : std::string(", ") + each.name;
  }
  fail(ErrorKind::usage, "no data source \"{}\"; there are {}", name, names);
}

}  // namespace smlp
