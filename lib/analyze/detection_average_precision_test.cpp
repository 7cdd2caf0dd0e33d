#include "lib/analyze/detection_average_precision.h"

#include <gtest/gtest.h>

namespace burin {
namespace {

const char* const kLabels = R"({
  "images": [{"id": 7, "file_name": "val/a.jpg"}, {"id": 9, "file_name": "b.jpg"}],
  "categories": [{"id": 18, "name": "dog"}, {"id": 3, "name": "car"}],
  "annotations": [
    {"image_id": 7, "category_id": 3, "bbox": [10, 20, 30, 40], "area": 1200, "iscrowd": 0},
    {"image_id": 7, "category_id": 18, "bbox": [0, 0, 5, 5], "iscrowd": 1}]})";

TEST(DetectionLabels, CategoriesByRisingId) {
  auto labels = parseDetectionLabels(kLabels);
  ASSERT_TRUE(labels) << labels.error().text();
  EXPECT_EQ(labels->classes, (std::vector<std::string>{"car", "dog"}));
  const auto* boxes = labels->find("a.jpg");
  ASSERT_TRUE(boxes);
  ASSERT_EQ(boxes->size(), 2u);
  EXPECT_EQ((*boxes)[0].classIndex, 0);
  EXPECT_EQ((*boxes)[0].box.x1, 40);
  EXPECT_EQ((*boxes)[0].box.y1, 60);
  EXPECT_TRUE((*boxes)[1].crowd);
  ASSERT_TRUE(labels->find("b.jpg"));
  EXPECT_TRUE(labels->find("b.jpg")->empty());
  EXPECT_FALSE(labels->find("c.jpg"));
}

TEST(DetectionLabels, DamagedFilesAreErrors) {
  for (
      const char* text :
      {"", "[]", "{}", R"({"images":[],"categories":[]})",
       R"({"images":[{}],"categories":[],"annotations":[]})",
       R"({"images":[],"categories":[],"annotations":[{"image_id":1,"category_id":1,"bbox":[1,2,3,4]}]})",
       R"({"images":[{"id":1,"file_name":"a"}],"categories":[{"id":1}],"annotations":[{"image_id":1,"category_id":1,"bbox":[1,2,"x",4]}]})"})
    EXPECT_FALSE(parseDetectionLabels(text)) << text;
}

AveragePrecision evaluate(const std::vector<Detections>& found,
                          const std::vector<std::vector<TruthBox>>& truth, int classes = 1) {
  std::vector<DetectedPicture> pictures;
  for (size_t i = 0; i < found.size(); ++i) pictures.push_back({&found[i], &truth[i]});
  return averagePrecision(pictures, classes);
}

const Box kBox = {0, 0, 10, 10}, kFar = {50, 50, 60, 60};

TEST(AveragePrecision, PerfectDetections) {
  AveragePrecision ap = evaluate({{{0, 0.9, kBox}}, {{0, 0.8, kFar}}}, {{{0, kBox}}, {{0, kFar}}});
  EXPECT_DOUBLE_EQ(ap.map, 1);
  EXPECT_DOUBLE_EQ(ap.map50, 1);
}

TEST(AveragePrecision, HalfTheBoxesFound) {
  // Recall ends at 0.5 with precision 1: 51 of the 101 points (0, 0.01, ..., 0.50).
  AveragePrecision ap = evaluate({{{0, 0.9, kBox}}, {}}, {{{0, kBox}}, {{0, kFar}}});
  EXPECT_NEAR(ap.map50, 51.0 / 101, 1e-12);
}

TEST(AveragePrecision, WrongDetectionFirst) {
  // Wrong, right, right of two boxes: precision 1/2 at recall 1/2, 2/3 at recall 1; monotone: 2/3 everywhere.
  AveragePrecision ap =
      evaluate({{{0, 0.9, kFar}, {0, 0.8, kBox}}, {{0, 0.7, kBox}}}, {{{0, kBox}}, {{0, kBox}}});
  EXPECT_NEAR(ap.map50, 2.0 / 3, 1e-12);
}

TEST(AveragePrecision, OverlapsAboveHalf) {
  // Overlap 0.72 counts at 0.50, 0.55, 0.60, 0.65 and 0.70: half of the thresholds.
  AveragePrecision ap = evaluate({{{0, 0.9, {0, 0, 10, 7.2}}}}, {{{0, kBox}}});
  EXPECT_DOUBLE_EQ(ap.map50, 1);
  EXPECT_NEAR(ap.map, 0.5, 1e-12);
}

TEST(AveragePrecision, SecondDetectionOfABoxIsWrong) {
  AveragePrecision ap =
      evaluate({{{0, 0.9, kBox}, {0, 0.8, kBox}}, {{0, 0.7, kBox}}}, {{{0, kBox}}, {{0, kBox}}});
  // right, wrong, right: precision 1 to recall 0.5 (51 points), then 2/3 (50 points).
  EXPECT_NEAR(ap.map50, (51 + 50 * 2.0 / 3) / 101, 1e-12);
}

TEST(AveragePrecision, CrowdsAreNeitherRightNorWrong) {
  AveragePrecision ap = evaluate({{{0, 0.95, {52, 52, 54, 54}}, {0, 0.94, {55, 55, 57, 57}}, {0, 0.9, kBox}}},
                                 {{{0, kBox}, {0, kFar, true}}});
  EXPECT_DOUBLE_EQ(ap.map, 1);
}

TEST(AveragePrecision, ClassesWithoutBoxesDoNotCount) {
  AveragePrecision ap =
      evaluate({{{0, 0.9, kBox}, {1, 0.9, kBox}, {2, 0.9, kFar}}}, {{{0, kBox}, {2, kBox}}}, 3);
  EXPECT_EQ(ap.classes, 2u);
  EXPECT_DOUBLE_EQ(ap.map50, 0.5);
  EXPECT_EQ(evaluate({{}}, {{}}).classes, 0u);
}

} // namespace
} // namespace burin
