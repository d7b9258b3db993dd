// What `smlp scaling` reads: tables of points, and its own fit.json.
#include "fuzz.hpp"
#include "smlp/scaling/points.hpp"
#include "smlp/scaling/study_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace smlp;
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::refuses_only_as(ErrorKind::data, [&] {
    const PointTable table = parse_points(text, "fuzz.csv", "error");
    const PointTable again = parse_points(points_csv(table.points), "again.csv", "error");
    fuzz::require(again.points.size() == table.points.size(), "a table that is not read as it was written");
  });
  fuzz::refuses_only_as(ErrorKind::data, [&] { plan_training(parse_study(text, "fuzz.json"), 1e15); });
  return 0;
}
