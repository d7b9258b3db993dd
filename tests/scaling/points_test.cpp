#include "smlp/scaling/points.hpp"

#include <gtest/gtest.h>
#include <spdlog/fmt/fmt.h>

#include "support/errors.hpp"

namespace smlp {
namespace {

const std::string head = "model,parameters,macs,images,epochs,error\n";

PointTable parse(const std::string& text, const std::string& column = "error") {
  return parse_points(text, "t.csv", column);
}

std::string refusal(const std::string& text, const std::string& column = "error") {
  return testing::error_of(ErrorKind::data, [&] { parse(text, column); });
}

TEST(ScalingPoints, ReadsTablesAsProgramsWriteThem) {
  const PointTable table = parse(
      "\xef\xbb\xbfseed, \"parameters\" ,macs,note,images,epochs,error,model\r\n"
      "3,1e6,2000000,\"a, \"\"b\"\"\",50000,10,0.25,\"B-6/64, wide\"\r\n\r\n");
  ASSERT_EQ(table.points.size(), 1u);
  const ScalingPoint& p = table.points[0];
  EXPECT_EQ(p.model, "B-6/64, wide");
  EXPECT_EQ(p.seed, 3);
  EXPECT_EQ(p.compute(), 3 * 2e6 * 50000 * 10);
  EXPECT_EQ(p.error, 0.25);
}

TEST(ScalingPoints, AccuraciesInPercentAreErrorsOfTheirColumn) {
  const PointTable table =
      parse("parameters,macs,images,epochs,top1,probe_top1\n1,1,1,1,60,25\n", "probe_top1");
  EXPECT_EQ(table.points[0].error, 0.75);
}

TEST(ScalingPoints, WhatDivergedIsLeftOutByName) {
  const PointTable table = parse(head + "a,1,1,1,1,0.5\nb,1,1,1,2,nan\nc,1,1,1,3,0\n");
  EXPECT_EQ(table.points.size(), 1u);
  EXPECT_EQ(table.warnings, (std::vector<std::string>{"t.csv: line 3: left out: its error is nan",
                                                      "t.csv: line 4: left out: its error is 0"}));
}

TEST(ScalingPoints, UnitsThatLookWrongAreSaid) {
  EXPECT_NE(parse(head + "a,1,1,1,1,63\n").warnings.at(0).find("1 of 1 errors are above 1"),
            std::string::npos);
  EXPECT_NE(
      parse("parameters,macs,images,epochs,top1\n1,1,1,1,0.4\n", "top1").warnings.at(0).find("read as %"),
      std::string::npos);
  EXPECT_EQ(parse(head + "a,1,1,1,1,\n").warnings.size(), 1u) << "no error yet";
}

TEST(ScalingPoints, RefusalsNameLineAndColumn) {
  EXPECT_NE(refusal("parameters,note,note,macs,images,epochs,error\n").find("two columns \"note\""),
            std::string::npos);
  for (const char* seed : {"nan", "1e300", "0.5"})
    EXPECT_NE(refusal(fmt::format("seed,parameters,macs,images,epochs,error\n{},1,1,1,1,0.5\n", seed))
                  .find("is no whole number"),
              std::string::npos)
        << seed;
  EXPECT_EQ(parse("parameters,,,macs,images,epochs,error\n1,x,y,2,3,4,0.5\n").points.at(0).macs, 2)
      << "columns without a name";
  EXPECT_NE(refusal("parameters;macs\n1;2\n").find("commas are to separate them"), std::string::npos);
  EXPECT_NE(refusal(head + "a,1,1e200,1e200,1,0.5\n").find("is too large"), std::string::npos);
  EXPECT_NE(refusal("").find("t.csv: empty"), std::string::npos);
  EXPECT_NE(refusal("parameters,images,epochs,error\n").find("no column \"macs\": its columns are"),
            std::string::npos);
  EXPECT_NE(refusal(head, "top1").find("no column \"top1\""), std::string::npos);
  EXPECT_NE(refusal(head + "a,1,1,1\n").find("line 2 has 4 fields, the head 6"), std::string::npos);
  EXPECT_NE(refusal(head + "a,1,1M,1,1,0.5\n").find("line 2, macs: \"1M\" is no number"), std::string::npos);
  EXPECT_NE(refusal(head + "a,1,1,-5,1,0.5\n").find("line 2, images: -5 is not above 0"), std::string::npos);
  EXPECT_NE(refusal(head + "a,1,inf,5,1,0.5\n").find("macs: inf is not above 0"), std::string::npos);
}

TEST(ScalingPoints, AreReadAsTheyWereWritten) {
  const std::vector<ScalingPoint> points{{"a \"b\", c", 1e9, 123456789, 11801680, 0.5, 7, 0.1 + 0.2}};
  const ScalingPoint again = parse(points_csv(points)).points.at(0);
  EXPECT_EQ(again.model, points[0].model);
  EXPECT_EQ(again.macs, points[0].macs);
  EXPECT_EQ(again.seed, 7);
  EXPECT_EQ(again.error, points[0].error);
}

TEST(ScalingPoints, TheFrontierIsWhatNothingBettersWithLess) {
  const auto point = [](double compute, double error) {
    return ScalingPoint{"", 1, compute / 3, 1, 1, 0, error};
  };
  const auto best = frontier({point(30, 0.5), point(3, 0.9), point(9, 0.95), point(9, 0.7), point(60, 0.5)});
  ASSERT_EQ(best.size(), 3u);
  EXPECT_EQ(best[0].error, 0.9);
  EXPECT_EQ(best[1].error, 0.7);
  EXPECT_EQ(best[2].compute(), 30);
}

TEST(ScalingPoints, SeedsAreOnePointOfTheirMean) {
  const auto groups =
      group_seeds({{"m", 1, 2, 3, 4, 0, 0.2}, {"m", 1, 2, 3, 1, 0, 0.5}, {"m", 1, 2, 3, 4, 1, 0.4}});
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].mean.error, 0.5);
  EXPECT_NEAR(groups[1].mean.error, 0.3, 1e-15);
  EXPECT_NEAR(groups[1].deviation, 0.1414213562, 1e-9);
}

}  // namespace
}  // namespace smlp
