#include "smlp/data/sources/registry.hpp"

#include "smlp/core/error.hpp"
#include "smlp/data/sources/cifar10.hpp"
#include "smlp/data/sources/folder.hpp"
#include "smlp/data/sources/tiny_imagenet.hpp"

namespace smlp {
namespace {

constexpr DataSource sources[] = {
    {"cifar10", "CIFAR-10, binary version (cifar-10-binary.tar.gz)", "cifar", 32, read_cifar10},
    {"tiny-imagenet", "Tiny-ImageNet-200 (tiny-imagenet-200.zip)", "imagenet", 64, read_tiny_imagenet},
    {"folder", "class folders of JPEG or PNG files, below train/ and test/ (or val/) or without them", "", 0,
     read_folder},
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
