// Prior boxes and detections against values worked by hand.
#include "lib/import/caffe/test_network.h"

#include <cmath>

using namespace burin;
using namespace burin::caffe::test;

TEST(CaffePriorBox, BoxesAroundEveryPlace) {
  Case c{"PriorBox", "prior_box_param { min_size: 4.9 max_size: 9 aspect_ratio: 4 aspect_ratio: 1 flip: true "
                     "variance: [0.1, 0.1, 0.2, 0.2] }"};
  c.other({1, 3, 10, 20}, std::vector<float>(600));
  Imported m = c.run({1, 1, 1, 2});
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.shape(), "1x2x32");
  // 4x4 (sizes are whole), 6x6, 8x2, 2x8 around (5, 5) in a picture of 20x10
  const std::vector<float> first = {0.15f, 0.3f, 0.35f, 0.7f, 0.1f, 0.2f, 0.4f, 0.8f,
                                    0.05f, 0.4f, 0.45f, 0.6f, 0.2f, 0.1f, 0.3f, 0.9f};
  for (size_t i = 0; i < first.size(); ++i) EXPECT_NEAR(m.floats()[i], first[i], 1e-6) << i;
  EXPECT_NEAR(m.floats()[16], 0.65f, 1e-6); // the next place
  EXPECT_EQ(m.floats()[32], 0.1f);
  EXPECT_EQ(m.floats()[35], 0.2f);
}

TEST(CaffePriorBox, StepsSizesAndClipping) {
  Case c{"PriorBox", "prior_box_param { min_size: 30 step: 8 img_size: 16 clip: true offset: 0 }"};
  c.other({1, 3, 10, 20}, std::vector<float>(600));
  expectNear(c.run({1, 1, 1, 2}),
             {0, 0, 0.9375f, 0.9375f, 0, 0, 1, 0.9375f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f});
  c.fields = "prior_box_param { step: 8 }";
  EXPECT_TRUE(has(c.run({1, 1, 1, 2}).error(), "needs a min_size"));
}

namespace {
// Offsets are x; scores and priors the other bottoms.
Case detections(const std::string& fields, const std::vector<float>& scores,
                const std::vector<float>& corners) {
  std::vector<float> priors = corners;
  for (size_t i = 0; i < corners.size(); ++i) priors.push_back(i % 4 < 2 ? 0.1f : 0.2f);
  Case c{"DetectionOutput", "detection_output_param { " + fields + " }"};
  c.other({1, static_cast<int64_t>(scores.size())}, scores);
  c.other({1, 2, static_cast<int64_t>(corners.size())}, priors);
  return c;
}
const std::vector<float> kCorners = {0, 0, 0.2f, 0.2f, 0.01f, 0, 0.21f, 0.2f, 0.5f, 0.5f, 0.7f, 0.7f};
} // namespace

TEST(CaffeDetectionOutput, SuppressesOverlapsAndDecodes) {
  Case c = detections("num_classes: 2 code_type: CENTER_SIZE confidence_threshold: 0.5 keep_top_k: 5 "
                      "nms_param { nms_threshold: 0.45 top_k: 100 }",
                      {0.1f, 0.9f, 0.2f, 0.8f, 0.3f, 0.7f}, kCorners);
  Imported m = c.run({1, 12}, {0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 5 * std::log(2.0f)});
  EXPECT_EQ(m.shape(), "1x1x3x7");
  expectNear(
      m, {0, 1, 0.9f, 0, 0, 0.2f, 0.2f, 0, 1, 0.7f, 0.52f, 0.4f, 0.72f, 0.8f, -1, -1, -1, -1, -1, -1, -1});
}

TEST(CaffeDetectionOutput, KeepsTheBestOfAllClasses) {
  const std::vector<float> apart = {0, 0, 0.1f, 0.1f, 0.3f, 0.3f, 0.4f, 0.4f, 0.5f, 0.5f, 0.7f, 0.7f};
  const std::vector<float> scores = {0, 0.9f, 0.1f, 0, 0.2f, 0.8f, 0, 0.3f, 0.95f};
  const std::string fields = "num_classes: 3 confidence_threshold: 0.25 nms_param { top_k: 2 } keep_top_k: ";
  expectNear(detections(fields + "2", scores, apart).run({1, 12}, std::vector<float>(12)),
             {0, 1, 0.9f, 0, 0, 0.1f, 0.1f, 0, 2, 0.95f, 0.5f, 0.5f, 0.7f, 0.7f});
  Imported all = detections(fields + "-1", scores, apart).run({1, 12}, std::vector<float>(12));
  ASSERT_TRUE(all.ok()) << all.error();
  EXPECT_EQ(all.shape(), "1x1x4x7"); // two boxes of two classes
  EXPECT_NEAR(all.floats()[9], 0.3f, 1e-6);
  // Only one more box can be told from the 4.
  Imported three = detections(fields + "3", scores, apart).run({1, 12}, std::vector<float>(12));
  expectNear(three, {0,    1,    0.9f, 0, 0, 0.1f, 0.1f, 0,    2,    0.95f, 0.5f,
                     0.5f, 0.7f, 0.7f, 0, 2, 0.8f, 0.3f, 0.3f, 0.4f, 0.4f});
}

TEST(CaffeDetectionOutput, CodesOfCorners) {
  const std::vector<float> one = {0.2f, 0.2f, 0.6f, 0.6f}, move = {1, 0, 0, 1}, score = {0, 1};
  expectNear(detections("num_classes: 2 code_type: CORNER", score, one).run({1, 4}, move),
             {0, 1, 1, 0.3f, 0.2f, 0.6f, 0.8f});
  expectNear(detections("num_classes: 2 code_type: CORNER_SIZE", score, one).run({1, 4}, move),
             {0, 1, 1, 0.24f, 0.2f, 0.6f, 0.68f});
  expectNear(detections("num_classes: 2 variance_encoded_in_target: true", score, one).run({1, 4}, move),
             {0, 1, 1, 1.2f, 0.2f, 0.6f, 1.6f});
}

TEST(CaffeDetectionOutput, WithoutAnyDetection) {
  Imported none =
      detections("num_classes: 2 confidence_threshold: 0.99", {0.5f, 0.5f}, {0, 0, 1, 1}).run({1, 4});
  expectNear(none, std::vector<float>(7, -1));
}

TEST(CaffeDetectionOutput, SaysWhatIsNotSupported) {
  EXPECT_TRUE(
      has(detections("num_classes: 2 share_location: false", {0, 1}, {0, 0, 1, 1}).run({1, 4}).error(),
          "boxes per class"));
  EXPECT_TRUE(
      has(detections("num_classes: 3", {0, 1}, {0, 0, 1, 1}).run({1, 4}).error(), "a score per class"));
  EXPECT_TRUE(has(
      detections("num_classes: 2 nms_param { eta: 0.5 }", {0, 1}, {0, 0, 1, 1}).run({1, 4}).error(), "eta"));
}
