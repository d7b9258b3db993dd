#pragma once
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "smlp/data/sources/registry.hpp"
#include "support/errors.hpp"

namespace smlp::testing {

using Lines = std::vector<std::string>;

// What a source gave: each split's "name=class" in order.
struct Given {
  SourceResult result;
  std::map<std::string, Lines> samples;
  std::vector<RawSample> raw;
};

inline Given read_source(const std::string& source, const SourceRequest& request) {
  Given given;
  std::map<std::string, Lines> names;
  given.result = find_data_source(source).read(request, [&](RawSample&& sample) {
    names[sample.split].push_back(sample.name);
    given.raw.push_back(std::move(sample));
  });
  for (const auto& [split, list] : names) {
    const std::vector<std::int64_t>& labels = given.result.labels.at(split);
    EXPECT_EQ(labels.size(), list.size());
    for (std::size_t i = 0; i < list.size() && i < labels.size(); ++i)
      given.samples[split].push_back(
          list[i] + "=" +
          (labels[i] < 0 ? std::string("-") : given.result.classes.at(static_cast<std::size_t>(labels[i]))));
  }
  return given;
}

inline std::string source_refusal(const std::string& source, const SourceRequest& request) {
  return error_of(ErrorKind::data, [&] { read_source(source, request); });
}

}  // namespace smlp::testing
