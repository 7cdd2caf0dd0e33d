#include "lib/prepare/test_support.h"

namespace burin {
namespace {

class ScalesTest : public PrepareTest {};

TEST_F(ScalesTest, BatchNormFoldsIntoConvolution) {
  mlir::Value y = batchNorm(conv(input({2, 3, 6, 5}), weights({4, 3, 3, 3}), {}, 1, "c"), 4, "b");
  EXPECT_EQ(prepared({unary("tanh", y)}), Kinds({"conv", "unary:tanh"}));
  EXPECT_EQ(tensorNames(*result_), Kinds({"b", "output0"}));
}

TEST_F(ScalesTest, ChainOfScalesFoldsAtOnce) {
  mlir::Value y = conv(input({1, 3, 6, 6}), weights({4, 3, 3, 3}), weights({4}));
  y = binary("mul", y, weights({1, 4, 1, 1}));
  y = binary("add", weights({4, 1, 1}), y);
  y = binary("sub", scalar(1.5f), y);
  y = binary("div", y, scalar(3.0f));
  EXPECT_EQ(prepared({batchNorm(y, 4)}), Kinds({"conv"}));
}

TEST_F(ScalesTest, GroupedAndTransposedConvolutions) {
  mlir::Value y = batchNorm(conv(input({1, 4, 5, 5}), weights({6, 2, 3, 3}), weights({6}), 1, {}, 2), 6);
  y = op("conv_transpose", {y, weights({6, 2, 2, 2}), builder_->none()},
         attrs()
             .ints("strides", {2, 2})
             .ints("dilations", {1, 1})
             .ints("pads", {0, 0, 0, 0})
             .ints("output_pads", {0, 0})
             .i("groups", 3));
  EXPECT_EQ(prepared({batchNorm(y, 6)}), Kinds({"conv", "conv_transpose"}));
}

TEST_F(ScalesTest, BiasAndScaleFoldIntoMatMul) {
  mlir::Value y = binary("add", matmul(input({2, 7, 8}), weights({8, 5})), weights({5}));
  EXPECT_EQ(prepared({binary("mul", y, scalar(0.125f))}), Kinds({"matmul"}));
}

TEST_F(ScalesTest, TransposedWeightsScaleByRow) {
  mlir::Value y =
      op("matmul", {input({3, 8}), weights({5, 8}), builder_->none()}, attrs().b("trans_b", true));
  EXPECT_EQ(prepared({binary("mul", y, weights({1, 5}))}), Kinds({"matmul"}));
}

TEST_F(ScalesTest, SharedWeightsStayForTheOthers) {
  mlir::Value x = input({1, 3, 6, 6}), w = weights({3, 3, 3, 3}, -1, 1, "shared");
  mlir::Value a = batchNorm(conv(x, w, {}, 1), 3), b = conv(x, w, {}, 1);
  EXPECT_EQ(prepared({a, b}), Kinds({"conv", "conv"}));
}

TEST_F(ScalesTest, SecondReaderOfTheConvolutionKeepsTheScaleOutside) {
  mlir::Value c = conv(input({1, 3, 6, 6}), weights({3, 3, 3, 3}), {}, 1);
  EXPECT_EQ(prepared({batchNorm(c, 3), c}), Kinds({"conv", "conv"})); // the second is the depthwise one
}

TEST_F(ScalesTest, LonelyBatchNormIsDepthwise) {
  mlir::Value x = input({2, 3, 4, 4});
  EXPECT_EQ(prepared({unary("relu", batchNorm(op("concat", {x, x}, attrs().i("axis", 1)), 6))}),
            Kinds({"concat", "conv"}));
}

TEST_F(ScalesTest, BatchNormOfMatrixIsMulAdd) {
  EXPECT_EQ(prepared({batchNorm(input({3, 5}), 5)}), Kinds({"binary:mul", "binary:add"}));
}

TEST_F(ScalesTest, NormalisationOfTheInputFoldsForward) {
  mlir::Value x = binary("sub", input({1, 3, 8, 8}), weights({1, 3, 1, 1}));
  x = binary("div", x, weights({1, 3, 1, 1}, 0.2f, 2));
  EXPECT_EQ(prepared({conv(x, weights({4, 3, 3, 3}), weights({4}))}), Kinds({"conv"}));
}

TEST_F(ScalesTest, ShiftBeforePaddingStays) {
  mlir::Value x = binary("sub", input({1, 3, 8, 8}), weights({1, 3, 1, 1}));
  EXPECT_EQ(prepared({conv(x, weights({4, 3, 3, 3}), {}, 1)}), Kinds({"binary:sub", "conv"}));
}

TEST_F(ScalesTest, ScaleBeforePaddingFoldsForward) {
  mlir::Value x = binary("mul", unary("relu", input({1, 4, 8, 8})), weights({1, 4, 1, 1}));
  EXPECT_EQ(prepared({conv(x, weights({6, 2, 3, 3}), {}, 1, {}, 2)}), Kinds({"unary:relu", "conv"}));
}

TEST_F(ScalesTest, ScaleFoldsForwardIntoMatMulAndTransposedConvolution) {
  mlir::Value a = matmul(binary("add", unary("relu", input({4, 6})), weights({6})), weights({6, 5}));
  mlir::Value x = binary("mul", unary("relu", input({1, 4, 5, 5})), weights({4, 1, 1}));
  mlir::Value b = op("conv_transpose", {x, weights({4, 3, 2, 2}), weights({6})},
                     attrs()
                         .ints("strides", {2, 2})
                         .ints("dilations", {1, 1})
                         .ints("pads", {0, 0, 0, 0})
                         .ints("output_pads", {0, 0})
                         .i("groups", 2));
  EXPECT_EQ(prepared({a, b}), Kinds({"unary:relu", "matmul", "unary:relu", "conv_transpose"}));
}

TEST_F(ScalesTest, DivisionByZeroIsNotFolded) {
  mlir::Value y = binary("div", conv(input({1, 3, 4, 4}), weights({2, 3, 1, 1}), {}), scalar(0.0f));
  auto module = builder_->finish({y}, {"y"});
  ASSERT_TRUE(module);
  ASSERT_TRUE(prepare(**module));
  EXPECT_EQ(kindsOf(**module), Kinds({"conv", "binary:div"}));
}

} // namespace
} // namespace burin
