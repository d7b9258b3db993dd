// metrics.jsonl of a run: what is no measurement is passed over.
#include <sstream>

#include "fuzz.hpp"
#include "smlp/run/results.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  std::istringstream lines{std::string(fuzz::text_of(data, size))};
  const RunResults results = read_results(lines);
  const Evaluation* best = results.best();
  for (const Evaluation& each : results.evaluations)
    fuzz::require(!(best != nullptr && each.score() > best->score()), "a result better than the best");
  return 0;
}
