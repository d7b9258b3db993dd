#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "smlp/pack/sources/registry.hpp"
#include "support/errors.hpp"

namespace smlp::testing {

using Lines = std::vector<std::string>;

// What a source gave: each split's "name=class" in order, "name=" for an image without a label.
struct Given {
  SourceResult result;
  std::map<std::string, Lines> samples;
  std::vector<RawSample> raw;
};

inline Given read(const std::string& source, const std::filesystem::path& from, const Lines& splits = {},
                  const SourceOptions& options = {}) {
  Given given;
  std::map<std::string, Lines> names;
  given.result = find_data_source(source).read({from, splits, options}, [&](RawSample&& sample) {
    names[sample.split].push_back(sample.name);
    given.raw.push_back(std::move(sample));
  });
  for (const auto& [split, list] : names) {
    const std::vector<std::int64_t>& labels = given.result.labels.at(split);
    EXPECT_EQ(labels.size(), list.size());
    for (std::size_t i = 0; i < list.size(); ++i)
      given.samples[split].push_back(
          list[i] + "=" +
          (labels.at(i) < 0 ? "" : given.result.classes.at(static_cast<std::size_t>(labels[i]))));
  }
  return given;
}

// The message of the Error(data) that reading must end with.
inline std::string refusal(const std::string& source, const std::filesystem::path& from,
                           const Lines& splits = {}, const SourceOptions& options = {}) {
  return error_of(ErrorKind::data, [&] { read(source, from, splits, options); });
}

}  // namespace smlp::testing
