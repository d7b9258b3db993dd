#include "data_info.hpp"

#include <algorithm>
#include <functional>
#include <iostream>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/text.hpp"
#include "smlp/data/dataset.hpp"
#include "smlp/formats/png.hpp"
#include "smlp/pack/contact_sheet.hpp"
#include "table.hpp"

namespace smlp {
namespace {

std::string channels(const std::vector<double>& values) {
  return fmt::format("{:.4f}", fmt::join(values, " "));
}

std::string per_class(const SplitSummary& split) {
  if (split.data->classes() == 0) return "no labels";
  return split.class_min == split.class_max
             ? std::to_string(split.class_min)
             : fmt::format("{} to {}, median {}", split.class_min, split.class_max, split.class_median);
}

void print_bad_images(const SplitSummary& split) {
  constexpr std::size_t shown = 10;
  const std::vector<BadImage>& bad = split.data->info().bad_images;
  for (std::size_t i = 0; i < std::min(bad.size(), shown); ++i)
    std::cout << fmt::format("left out of {}: {}\n", printable(split.name), printable(bad[i].reason));
  if (bad.size() > shown)
    std::cout << fmt::format("and {} more; {} lists them\n", bad.size() - shown,
                             (fs::path(split.data->description()) / "dataset.json").string());
}

}  // namespace

void print_data_set(const std::vector<SplitSummary>& splits) {
  std::vector<std::vector<std::string>> rows{{"split"}};
  for (const SplitSummary& split : splits) rows[0].push_back(printable(split.name));
  const auto row = [&](const char* name, const std::function<std::string(const SplitSummary&)>& value) {
    rows.push_back({name});
    for (const SplitSummary& split : splits) rows.back().push_back(value(split));
  };
  const auto info = [](const SplitSummary& split) -> const DatasetInfo& { return split.data->info(); };
  row("images", [](const SplitSummary& s) { return std::to_string(s.data->size()); });
  row("classes", [](const SplitSummary& s) { return std::to_string(s.data->classes()); });
  row("images per class", per_class);
  row("size", [&](const SplitSummary& s) { return fmt::format("{0}x{0}", info(s).image_size); });
  row("resize", [&](const SplitSummary& s) { return info(s).resize; });
  row("decode", [&](const SplitSummary& s) { return info(s).decode; });
  row("source", [&](const SplitSummary& s) { return printable(info(s).source); });
  row("family", [&](const SplitSummary& s) { return info(s).family.empty() ? "none" : info(s).family; });
  row("mean", [&](const SplitSummary& s) { return channels(info(s).statistics.mean); });
  row("std", [&](const SplitSummary& s) { return channels(info(s).statistics.std); });
  row("left out", [&](const SplitSummary& s) { return std::to_string(info(s).bad_images.size()); });
  row("ReaL labels", [](const SplitSummary& s) { return s.real_labels ? "yes" : "no"; });
  row("on disk", [](const SplitSummary& s) {
    return s.bytes == 0 ? "generated" : human_bytes(static_cast<double>(s.bytes));
  });
  std::cout << format_table(rows);
  for (const SplitSummary& split : splits) print_bad_images(split);
}

void write_sheet(const std::vector<SplitSummary>& splits, const fs::path& file) {
  const Image sheet = contact_sheet(*splits.front().data);
  write_file_atomically(file, encode_png(sheet));
  std::cout << fmt::format("sheet of {}: {} ({}x{} pixels)\n", splits.front().name, file.string(),
                           sheet.width, sheet.height);
}

}  // namespace smlp
