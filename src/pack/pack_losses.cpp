#include "pack/pack_losses.hpp"

#include <algorithm>

#include "smlp/core/log.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

constexpr std::size_t classes_shown = 10;

struct ClassCount {
  std::int64_t images = 0, lost = 0;
  std::map<std::string, std::int64_t> kinds;  // of those lost
};

std::vector<ClassCount> count_classes(std::size_t classes, const std::vector<std::int64_t>& labels,
                                      const std::vector<LeftOut>& left_out) {
  std::vector<ClassCount> counts(classes);
  for (const std::int64_t label : labels) ++counts.at(static_cast<std::size_t>(label)).images;
  for (const LeftOut& each : left_out) {
    const std::int64_t label = labels.at(static_cast<std::size_t>(each.index));
    ClassCount& count = counts.at(static_cast<std::size_t>(label));
    ++count.lost;
    ++count.kinds[file_kind(each.image.name)];
  }
  return counts;
}

void warn(const std::string& split, const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < std::min(lines.size(), classes_shown); ++i)
    log().warn("{}: {}", split, lines[i]);
  if (lines.size() > classes_shown)
    log().warn("{}: the same of {} more classes", split, lines.size() - classes_shown);
}

}  // namespace

void warn_of_losses(const SourceResult& result, const std::map<std::string, std::vector<LeftOut>>& left_out) {
  for (const auto& [split, labels] : result.labels) {
    if (split == "unlabeled") continue;
    const auto lost = left_out.find(split);
    const std::vector<ClassCount> counts = count_classes(
        result.classes.size(), labels, lost == left_out.end() ? std::vector<LeftOut>{} : lost->second);
    std::vector<std::string> losing, empty;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const std::string name = printable(result.classes[i]);
      std::string kinds;
      for (const auto& [kind, images] : counts[i].kinds)
        kinds += fmt::format(", {} {}", images, printable(kind));
      if (counts[i].lost > 0)
        losing.push_back(
            fmt::format("class {} lost {} of {} images{}", name, counts[i].lost, counts[i].images, kinds));
      if (counts[i].images == counts[i].lost) empty.push_back(fmt::format("no images of class {}", name));
    }
    warn(split, losing);
    warn(split, empty);
  }
}

}  // namespace smlp
