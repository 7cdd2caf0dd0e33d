#include "lib/data/skipped.h"

#include <gtest/gtest.h>

namespace burin {
namespace {

TEST(SkippedWarnings, FewAreListed) {
  EXPECT_TRUE(skippedWarnings({}).empty());
  EXPECT_EQ(skippedWarnings({"a.jpg: broken"}), std::vector<std::string>{"a.jpg: broken (sample skipped)"});
  EXPECT_EQ(skippedWarnings(std::vector<std::string>(6, "x")).size(), 6u);
}

TEST(SkippedWarnings, ManyAreCounted) {
  const std::vector<std::string> warnings = skippedWarnings(std::vector<std::string>(1000, "x"));
  ASSERT_EQ(warnings.size(), 6u);
  EXPECT_EQ(warnings[5], "995 more samples were skipped");
}

} // namespace
} // namespace burin
