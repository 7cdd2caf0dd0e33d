#include "lib/analyze/detection_agreement.h"

#include <gtest/gtest.h>

namespace burin {
namespace {

TEST(Boxes, OverlapByHand) {
  Box a = {0, 0, 10, 10}, b = {5, 0, 15, 10}, far = {20, 20, 30, 30}, empty = {5, 5, 5, 9};
  EXPECT_DOUBLE_EQ(intersectionOverUnion(a, b), 50.0 / 150);
  EXPECT_DOUBLE_EQ(intersectionOverUnion(a, a), 1);
  EXPECT_DOUBLE_EQ(intersectionOverUnion(a, far), 0);
  EXPECT_DOUBLE_EQ(intersectionOverUnion(empty, empty), 0);
}

TEST(Boxes, SuppressionIsPerClassAndStrictlyAbove) {
  Detections in = {
      {0, 0.5, {0, 0, 10, 10}}, {0, 0.9, {0, 0, 10, 11}}, {1, 0.6, {0, 0, 10, 10}}, {0, 0.4, {5, 0, 15, 10}}};
  Detections kept = suppressOverlaps(in, 0.5);
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].score, 0.9);
  EXPECT_EQ(kept[1].score, 0.6);
  EXPECT_EQ(kept[2].score, 0.4);
  Detections equal = {{0, 0.9, {0, 0, 10, 10}}, {0, 0.8, {0, 0, 10, 20}}}; // exactly 0.5: kept
  EXPECT_EQ(suppressOverlaps(equal, 0.5).size(), 2u);
}

rt::Preprocess fit(rt::Fit f, rt::PadAlign align = rt::PadAlign::Center) {
  rt::Preprocess p;
  p.fit = f;
  p.padAlign = align;
  return p;
}

void expectBox(const Box& box, double x0, double y0, double x1, double y1) {
  EXPECT_NEAR(box.x0, x0, 1e-9);
  EXPECT_NEAR(box.y0, y0, 1e-9);
  EXPECT_NEAR(box.x1, x1, 1e-9);
  EXPECT_NEAR(box.y1, y1, 1e-9);
}

TEST(PictureTransform, Letterbox) {
  // 640x480 into 416x416: r = 0.65, 416x312 pixels of picture, 52 above and below when centred.
  auto corner = pictureTransform(fit(rt::Fit::Letterbox, rt::PadAlign::Corner), 640, 480, 416, 416);
  ASSERT_TRUE(corner);
  expectBox(corner->toPicture({0, 0, 416, 312}), 0, 0, 640, 480);
  auto centred = pictureTransform(fit(rt::Fit::Letterbox), 640, 480, 416, 416);
  ASSERT_TRUE(centred);
  expectBox(centred->toPicture({0, 52, 416, 364}), 0, 0, 640, 480);
}

TEST(PictureTransform, StretchAndCrop) {
  auto stretch = pictureTransform(fit(rt::Fit::Stretch), 640, 480, 320, 240 * 2);
  ASSERT_TRUE(stretch);
  expectBox(stretch->toPicture({0, 0, 320, 480}), 0, 0, 640, 480);
  rt::Preprocess crop = fit(rt::Fit::Crop);
  crop.resizeHeight = 256; // 640x480 becomes 341x256, of which 224x224 start at (58, 16)
  auto cut = pictureTransform(crop, 640, 480, 224, 224);
  ASSERT_TRUE(cut);
  expectBox(cut->toPicture({0, 0, 224, 224}), 58 * 640.0 / 341, 16 * 480.0 / 256, (58 + 224) * 640.0 / 341,
            (16 + 224) * 480.0 / 256);
}

TEST(Agreement, ScoreNearTheThresholdIsNoDisagreement) {
  Box box = {0, 0, 10, 10}, other = {50, 50, 60, 60};
  Detections reference = {{0, 0.35, box}}, actual = {{0, 0.25, box}};
  Agreement a = compareDetections(reference, actual, 0.3);
  EXPECT_EQ(a.precision.wanted, 0u); // nothing above the threshold to judge
  EXPECT_EQ(a.recall.wanted, 1u);
  EXPECT_EQ(a.recall.found, 1u);
  actual = {{0, 0.8, box}, {0, 0.5, other}};
  a = compareDetections(reference, actual, 0.3);
  EXPECT_DOUBLE_EQ(a.precisionValue(), 0.5);
  EXPECT_DOUBLE_EQ(a.recallValue(), 1);
  EXPECT_DOUBLE_EQ(a.f1(), 2.0 / 3);
}

TEST(Agreement, OnePartnerEachOfTheSameClass) {
  Box box = {0, 0, 10, 10}, near = {0, 0, 10, 9};
  Detections two = {{0, 0.9, box}, {0, 0.8, near}}, one = {{0, 0.9, box}}, otherClass = {{1, 0.9, box}};
  EXPECT_EQ(countFound(two, 0.3, one).found, 1u);
  EXPECT_EQ(countFound(two, 0.3, two).found, 2u);
  EXPECT_EQ(countFound(one, 0.3, otherClass).found, 0u);
}

TEST(Agreement, EmptySidesScoreNothing) {
  Detections some = {{0, 0.9, {0, 0, 10, 10}}};
  EXPECT_DOUBLE_EQ(compareDetections(some, {}, 0.3).f1(), 0);
  EXPECT_DOUBLE_EQ(compareDetections({}, some, 0.3).f1(), 0);
  EXPECT_TRUE(compareDetections({}, {}, 0.3).empty());
}

TEST(Agreement, DetectionsOnCrowdsDoNotCount) {
  std::vector<TruthBox> truth = {{0, {0, 0, 10, 10}}, {0, {100, 100, 200, 200}, true}};
  Detections actual = {
      {0, 0.9, {0, 0, 10, 10}}, {0, 0.8, {110, 110, 120, 120}}, {0, 0.7, {300, 300, 310, 310}}};
  Agreement a = compareWithTruth(truth, actual, 0.3);
  EXPECT_EQ(a.precision.wanted, 2u);
  EXPECT_EQ(a.precision.found, 1u);
  EXPECT_DOUBLE_EQ(a.recallValue(), 1);
}

} // namespace
} // namespace burin
