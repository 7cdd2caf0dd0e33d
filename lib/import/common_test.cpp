#include "lib/import/common.h"

#include <gtest/gtest.h>

using namespace burin;

TEST(ImportShapes, ParsesNamedAndUnnamedShapes) {
  auto shapes = parseInputShapes("a:1x3x224x224,scope/b:0:7");
  ASSERT_TRUE(shapes.has_value()) << shapes.error().text();
  EXPECT_EQ(shapes->at("a"), (std::vector<int64_t>{1, 3, 224, 224}));
  EXPECT_EQ(shapes->at("scope/b:0"), std::vector<int64_t>{7});
  EXPECT_EQ(parseInputShapes("1x5x10")->at(""), (std::vector<int64_t>{1, 5, 10}));
}

TEST(ImportShapes, RefusesWhatIsNoShape) {
  for (const char* text : {"", "a", "a:", "a:1x", "a:x1", "a:1x0", "a:-1", "a:1 x 2", "a:1,a:2", "a:1,",
                           "a:99999999999999999999"})
    EXPECT_FALSE(parseInputShapes(text).has_value()) << text;
}

TEST(ImportNames, FindsNearOnes) {
  std::vector<std::string> names = {"conv1", "conv2", "features.conv1.weight", "output"};
  EXPECT_EQ(nearNames("outptu", names, 1), std::vector<std::string>{"output"});
  EXPECT_EQ(nearNames("conv1", names, 1), std::vector<std::string>{"conv1"});
  EXPECT_EQ(nearNames("x", {}, 3).size(), 0u);
}

TEST(ImportReport, CountsAndLimits) {
  UnsupportedReport report;
  EXPECT_TRUE(report.empty());
  for (int i = 0; i < 5; ++i) report.addOperator("Foo", "n" + std::to_string(i), "use Bar");
  Error error = report.error();
  EXPECT_EQ(error.code, ErrorCode::Unsupported);
  EXPECT_EQ(error.message, "operator Foo (5 nodes: n0, n1, n2, ...) is not supported; use Bar");
}
