#pragma once
// Reads raw data as `smlp pack` would, and checks that what a source gives hangs together.
#include <map>
#include <set>
#include <string>

#include "fuzz.hpp"
#include "smlp/core/text.hpp"
#include "smlp/pack/sources/registry.hpp"

namespace smlp::fuzz {

inline void read_source(const std::string& name, const SourceRequest& request) {
  refuses_only_as(ErrorKind::data, [&] {
    std::map<std::string, std::size_t> samples;
    const SourceResult result = find_data_source(name).read(request, [&](RawSample&& sample) {
      const Image& image = sample.pixels;
      const std::int64_t wanted = std::int64_t{3} * image.width * image.height;
      require(std::ssize(image.pixels) == wanted, "an image's pixels are not its size");
      require(image.pixels.empty() || sample.encoded.empty(), "a sample with two images");
      ++samples[sample.split];
    });
    for (const std::string& each : result.classes)
      require(!each.empty() && is_utf8(each), "a class name that is no text");
    require(std::set(result.classes.begin(), result.classes.end()).size() == result.classes.size(),
            "two classes of one name");
    for (const auto& [split, labels] : result.labels) {
      require(labels.size() == samples[split], "not a label for each image");
      for (const std::int64_t label : labels)
        require(label >= -1 && label < std::ssize(result.classes), "a label that is no class");
    }
  });
}

}  // namespace smlp::fuzz
