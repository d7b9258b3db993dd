#include "smlp/analysis/bench_structured.hpp"

#include <gtest/gtest.h>

#include <map>

namespace smlp {
namespace {

BenchRow row(const std::string& structure, std::int64_t width, double seconds, std::int64_t batch = 8) {
  return {.model = structure, .batch_size = batch, .classes = width, .batch_seconds = seconds};
}

TEST(BenchStructured, ACrossoverIsTheWidthFromWhichOnAStructureStaysFaster) {
  const std::vector<BenchRow> rows{row("dense", 64, 1),     row("dense", 32, 1),     row("dense", 128, 1),
                                   row("dense", 32, 1, 16), row("always", 128, .5),  row("always", 32, .5),
                                   row("always", 64, .5),   row("late", 32, .5),     row("late", 64, 2),
                                   row("late", 128, .5),    row("never", 32, .5),    row("never", 64, .5),
                                   row("never", 128, 2),    row("always", 32, 2, 16)};
  std::map<std::pair<std::string, std::int64_t>, std::int64_t> found;
  for (const Crossover& each : crossovers(rows))
    found[{each.structure, each.batch_size}] = each.width.value_or(0);
  EXPECT_EQ(found, (decltype(found){
                       {{"always", 8}, 32}, {{"always", 16}, 0}, {{"late", 8}, 128}, {{"never", 8}, 0}}));
  EXPECT_EQ(times_as_fast_as_dense(rows[4], rows), 2);
}

}  // namespace
}  // namespace smlp
