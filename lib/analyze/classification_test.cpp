#include "lib/analyze/classification.h"

#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace burin {
namespace {

TEST(Classification, EqualScoresRankByIndex) {
  std::vector<float> scores = {0.1f, 0.4f, 0.4f, 0.2f};
  EXPECT_EQ(firstClass(scores), 1u);
  EXPECT_EQ(rankOf(scores, 1), 0u);
  EXPECT_EQ(rankOf(scores, 2), 1u);
  EXPECT_EQ(rankOf(scores, 3), 2u);
  EXPECT_EQ(rankOf(scores, 0), 3u);
}

TEST(Classification, NanIsFound) {
  std::vector<float> scores = {1, std::numeric_limits<float>::infinity(),
                               std::numeric_limits<float>::quiet_NaN()};
  EXPECT_EQ(findNan(scores), 2u);
  scores.pop_back();
  EXPECT_FALSE(findNan(scores));
}

TEST(ClassLabels, RowsWithBlanksCommentsAndWindowsLineEnds) {
  auto labels = ClassLabels::parse("# files\n\na picture.jpg 17\r\nb.jpg\t3\nc.jpg 0");
  ASSERT_TRUE(labels) << labels.error().text();
  EXPECT_EQ(labels->size(), 3u);
  EXPECT_EQ(labels->find("a picture.jpg"), 17);
  EXPECT_EQ(labels->find("folder/b.jpg"), 3);
  EXPECT_EQ(labels->find("c.jpg"), 0);
  EXPECT_FALSE(labels->find("d.jpg"));
}

TEST(ClassLabels, BadRowsNameTheLine) {
  for (const char* text : {"a.jpg 1\nb.jpg\n", "a.jpg 1\nb.jpg cat\n", "a.jpg 1\nb.jpg -1\n",
                           "a.jpg 1\nb.jpg 99999999999999999999\n", "a.jpg 1\na.jpg 2\n"}) {
    auto labels = ClassLabels::parse(text);
    ASSERT_FALSE(labels) << text;
    EXPECT_NE(labels.error().text().find("line 2"), std::string::npos) << labels.error().text();
  }
  EXPECT_FALSE(ClassLabels::parse("\n# nothing\n"));
}

} // namespace
} // namespace burin
