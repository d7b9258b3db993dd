#include "pack/pack_job.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/data/dataset_info.hpp"
#include "smlp/data/split_names.hpp"
#include "smlp/formats/json.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;

Json value_of(const SourceOption& option, const SourceOptions& options) {
  const auto json = [](const auto& value) -> Json {
    if constexpr (std::is_same_v<decltype(value), const fs::path&>)
      return value.string();
    else
      return value;
  };
  return std::visit([&](auto member) { return json(options.*member); }, option.member);
}

}  // namespace

void check_pack_options(const PackOptions& options) {
  if (options.size < 0 || options.size > max_image_size)
    fail(ErrorKind::usage, "--size {}: expected 1 to {}, or 0 for the images' own", options.size,
         max_image_size);
  if (options.resize != "squash" && options.resize != "crop")
    fail(ErrorKind::usage, "--resize {}: expected squash or crop", options.resize);
  if (options.skip_bad < 0) fail(ErrorKind::usage, "--skip-bad {}: expected 0 or more", options.skip_bad);
  if (options.fast_decode && options.size == 0)
    fail(ErrorKind::usage, "--fast-decode shrinks JPEGs to about the size wanted: give --size");
  for (const std::string& each : options.splits)
    if (split_of_word(each).empty())
      fail(ErrorKind::usage, "--split {}: expected train, test, val or unlabeled", each);
  if (std::count_if(options.splits.begin(), options.splits.end(),
                    [](const std::string& each) { return packed_split(split_of_word(each)) == "test"; }) > 1)
    fail(ErrorKind::usage, "--split test and --split val are written to the same place: choose one");
}

void check_source_options(const SourceOptions& options, const DataSource& source) {
  for (const SourceOption& each : source_option_table) {
    if (!each.is_given(options)) continue;
    if (!source.understands(each.flag))
      fail(ErrorKind::usage, "{} means nothing for {}{}{}", each.flag, source.name,
           *source.options != '\0' ? "; it understands " : "", source.options);
    const auto* const number = std::get_if<std::int64_t SourceOptions::*>(&each.member);
    if (number != nullptr && options.**number < 0)
      fail(ErrorKind::usage, "{} {}: expected 0 or more", each.flag, options.**number);
  }
}

std::string pack_job_text(const PackOptions& options) {
  Json job{{"source", options.source}, {"from", fs::absolute(options.from).lexically_normal().string()},
           {"size", options.size},     {"resize", options.resize},
           {"splits", options.splits}, {"fast_decode", options.fast_decode}};
  for (const SourceOption& each : source_option_table)
    if (each.is_given(options.source_options)) job[each.flag] = value_of(each, options.source_options);
  return json_text(job);
}

}  // namespace smlp
