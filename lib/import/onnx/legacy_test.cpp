// What operators meant before opset 7: broadcasting on request, training as the default, words instead of
// numbers.
#include "lib/import/onnx/test_model.h"

using namespace burin;
using namespace burin::onnx::test;

TEST(OnnxLegacy, StretchesTheSecondOperandFromAnAxisOn) {
  const Attributes fromAxis = {attribute("broadcast", int64_t(1)), attribute("axis", int64_t(1))};
  Imported channels = Case(6, "Add", fromAxis, {floatTensor("b", {2}, {10, 20})}).run({1, 2, 2});
  EXPECT_EQ(channels.floats(), (std::vector<float>{10, 11, 22, 23}));
  Imported block = Case(6, "Mul", {attribute("broadcast", int64_t(1)), attribute("axis", int64_t(0))},
                        {floatTensor("b", {2, 1}, {2, 3})})
                       .run({2, 1, 2});
  EXPECT_EQ(block.floats(), (std::vector<float>{0, 2, 6, 9}));
  Imported last =
      Case(6, "Pow", {attribute("broadcast", int64_t(1))}, {floatTensor("b", {2}, {2, 1})}).run({1, 2, 2});
  EXPECT_EQ(last.floats(), (std::vector<float>{0, 1, 4, 3}));
  std::string error =
      Case(6, "Add", fromAxis, {floatTensor("b", {2, 2, 2}, std::vector<float>(8))}).run({2, 2, 2}).error();
  EXPECT_TRUE(has(error, "3 axes does not fit from axis 1")) << error;
}

TEST(OnnxLegacy, PReluHasOneSlopePerChannel) {
  EXPECT_EQ(Case(6, "PRelu", {}, {floatTensor("b", {2}, {2, 3})}).run({1, 2, 2}, {-1, 1, -1, -2}).floats(),
            (std::vector<float>{-2, 1, -3, -6}));
  EXPECT_EQ(Case(7, "PRelu", {}, {floatTensor("b", {2}, {2, 3})}).run({1, 2, 2}, {-1, 1, -1, -2}).floats(),
            (std::vector<float>{-2, 1, -2, -6}));
}

TEST(OnnxLegacy, TrainingWasTheDefault) {
  std::vector<TensorProto> statistics = {floatTensor("s", {2}, {1, 2}), floatTensor("b", {2}, {0, 1}),
                                         floatTensor("m", {2}, {1, 1}), floatTensor("v", {2}, {1, 4})};
  Attributes test = {attribute("is_test", int64_t(1)), attribute("epsilon", 0.0f)};
  EXPECT_EQ(Case(6, "BatchNormalization", test, statistics).run({1, 2, 1}, {3, 5}).floats(),
            (std::vector<float>{2, 5}));
  EXPECT_TRUE(has(Case(6, "BatchNormalization", {}, statistics).run({1, 2, 1}).error(), "training mode"));
  EXPECT_TRUE(has(Case(6, "Dropout", {}, {}).run({2}).error(), "training mode"));
  EXPECT_EQ(Case(6, "Dropout", {attribute("is_test", int64_t(1))}, {}).run({2}).floats(),
            (std::vector<float>{0, 1}));
}

TEST(OnnxLegacy, DropoutWithoutARatioDropsNothing) {
  TensorProto training = intTensor("t", {}, {1});
  EXPECT_EQ(Case(13, "Dropout", {}, {floatTensor("r", {}, {0}), training}).run({2}).floats(),
            (std::vector<float>{0, 1}));
  EXPECT_TRUE(has(Case(13, "Dropout", {}, {floatTensor("r", {}, {0.5f}), training}).run({2}).error(),
                  "training mode"));
}

TEST(OnnxLegacy, CastNamesItsTypeByAWord) {
  Imported cast = Case(5, "Cast", {attribute("to", "INT64")}, {}).run({2}, {1.5f, -2});
  ASSERT_TRUE(cast.ok()) << cast.error();
  EXPECT_EQ(cast.ints(), (std::vector<int64_t>{1, -2}));
  EXPECT_TRUE(
      has(Case(5, "Cast", {attribute("to", "QUATERNION")}, {}).run({2}).error(), "element type undefined"));
}

TEST(OnnxLegacy, UpsampleHasAScaleForHeightAndWidth) {
  Imported m = Case(1, "Upsample", {attribute("height_scale", 2.0f), attribute("width_scale", 1.0f)}, {})
                   .run({1, 1, 1, 2});
  EXPECT_EQ(m.shape(), "1x1x2x2");
  EXPECT_EQ(m.floats(), (std::vector<float>{0, 1, 0, 1}));
}

TEST(OnnxLegacy, WhatIsStillTooOldIsRefused) {
  std::string error =
      Case(5, "Tile", {}, {intTensor("n", {}, {2}), intTensor("axis", {}, {0})}).graph({2}).error();
  EXPECT_TRUE(has(error, "opset 5 is too old") && has(error, "opset 7")) << error;
}
