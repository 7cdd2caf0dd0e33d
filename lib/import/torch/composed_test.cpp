// Operators that are put together from others, on numbers worked out by hand. x counts 0, 1, 2, ... unless
// values are given.
#include "lib/import/torch/operators.h"
#include "lib/import/torch/test_archive.h"

#include <cmath>

using namespace burin;
using namespace burin::torch::test;
using Floats = std::vector<float>;
using Dims = std::vector<int64_t>;

namespace {
constexpr float kPi = 3.14159265f;

void expectValue(const std::string& expression, const Dims& dims, const Floats& x, const Floats& wanted) {
  Imported y = fold({"return " + expression}, dims, x);
  ASSERT_TRUE(y.ok()) << expression << ": " << y.error();
  const Floats got = y.floats();
  ASSERT_EQ(got.size(), wanted.size()) << expression;
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], wanted[i], 2e-5f) << expression << " [" << i << "]";
}
void expectInts(const std::string& expression, const Dims& dims, const std::vector<int64_t>& wanted) {
  Imported y = fold({"return " + expression}, dims);
  ASSERT_TRUE(y.ok()) << expression << ": " << y.error();
  EXPECT_EQ(y.ints(), wanted) << expression;
}
std::string shapeOf(const std::string& expression, const Dims& dims) {
  Imported y = fold({"return " + expression}, dims);
  return y.ok() ? y.shapeList() : y.error();
}
std::string errorOf(const std::string& expression, const Dims& dims) {
  return fold({"return " + expression}, dims).error();
}
bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
} // namespace

// A number taken out of a tensor of 16-bit floats: dtype 5 is float16, 15 is bfloat16.
TEST(TorchComposed, NumbersOfHalves) {
  for (const char* dtype : {"5", "15"})
    expectValue(std::string("torch.mul(x, float(torch.to(torch.select(x, 0, 1), ") + dtype + ")))", {2},
                {3, 0.5f}, {1.5f, 0.25f});
}

TEST(TorchComposed, FunctionsOfOneElement) {
  expectValue("torch.erfc(x)", {2}, {0, 0.5f}, {1, std::erfc(0.5f)});
  expectValue("torch.exp2(x)", {3}, {0, 3, -1}, {1, 8, 0.5f});
  expectValue("torch.asinh(x)", {1}, {2}, {std::asinh(2.0f)});
  expectValue("torch.acosh(x)", {1}, {2}, {std::acosh(2.0f)});
  expectValue("torch.atanh(x)", {1}, {0.5f}, {std::atanh(0.5f)});
  expectValue("torch.deg2rad(x)", {1}, {90}, {kPi / 2});
  expectValue("torch.rad2deg(x)", {1}, {kPi}, {180});
  expectValue("torch.logit(x)", {1}, {0.75f}, {std::log(3.0f)});
  expectValue("torch.logit(x, 0.25)", {2}, {0, 1}, {-std::log(3.0f), std::log(3.0f)});
  expectValue("torch.frac(x)", {2}, {2.25f, -1.5f}, {0.25f, -0.5f});
  expectValue("torch.sgn(x)", {3}, {-3, 0, 5}, {-1, 0, 1});
  expectValue("torch.nan_to_num(torch.div(x, torch.zeros([3])), 7., 2., 3.)", {3}, {0, 1, -1}, {7, 2, 3});
  expectValue("torch.to(torch.isfinite(torch.div(x, torch.zeros([2]))), 6)", {2}, {0, 1}, {0, 0});
  expectValue("torch.to(torch.isfinite(x), 6)", {2}, {0, 1}, {1, 1});
}

TEST(TorchComposed, FunctionsOfTwoElements) {
  expectValue("torch.logaddexp(x, torch.zeros([2]))", {2}, {0, 100}, {std::log(2.0f), 100});
  expectValue("torch.hypot(x, torch.full([2], 4.))", {2}, {3, 0}, {5, 4});
  expectValue("torch.copysign(x, torch.tensor([-1., 2.]))", {2}, {3, -4}, {-3, 4});
  expectValue("torch.heaviside(x, torch.full([3], 0.5))", {3}, {-2, 0, 2}, {0, 0.5f, 1});
  // All around the circle.
  const Floats y = {0, 1, 1, 1, 0, -1, -1, -1, 0}, x = {1, 1, 0, -1, -1, -1, 0, 1, 0};
  Floats wanted;
  for (size_t i = 0; i < y.size(); ++i) wanted.push_back(std::atan2(y[i], x[i]));
  expectValue("torch.atan2(x, torch.tensor([1., 1., 0., -1., -1., -1., 0., 1., 0.]))", {9}, y, wanted);
}

TEST(TorchComposed, Reductions) {
  expectValue("(torch.aminmax(x, dim=1))[0]", {2, 2}, {}, {0, 2});
  expectValue("(torch.aminmax(x))[1]", {2, 2}, {}, {3});
  expectInts("torch.count_nonzero(x, [1])", {2, 2}, {1, 2});
  expectInts("torch.count_nonzero(x)", {2, 2}, {3});
  expectValue("(torch.std_mean(x, [0], False))[0]", {3}, {1, 2, 3}, {std::sqrt(2.0f / 3)});
  expectValue("(torch.var_mean(x, [0], correction=1, keepdim=True))[0]", {3}, {1, 2, 3}, {1});
  expectValue("(torch.var_mean(x, [0], False))[1]", {3}, {1, 2, 3}, {2});
  expectValue("(torch.median(x, 0))[0]", {4}, {9, 1, 5, 3}, {3});
  expectInts("(torch.median(x, 0))[1]", {4}, {1});
  expectValue("(torch.kthvalue(x, 3, 1, True))[0]", {1, 4}, {9, 1, 5, 3}, {5});
  EXPECT_TRUE(has(errorOf("(torch.kthvalue(x, 5, 0))[0]", {4}), "element 5 of 4"));
}

TEST(TorchComposed, TensorsPutTogetherAndTakenApart) {
  expectValue("torch.hstack([x, x])", {2}, {}, {0, 1, 0, 1});
  EXPECT_EQ(shapeOf("torch.hstack([x, x])", {2, 3}), "[2,6]");
  EXPECT_EQ(shapeOf("torch.vstack([x, x])", {3}), "[2,3]");
  EXPECT_EQ(shapeOf("torch.dstack([x, x])", {2, 3}), "[2,3,2]");
  expectValue("torch.column_stack([x, x])", {2}, {}, {0, 0, 1, 1});
  expectValue("torch.diff(x)", {4}, {1, 4, 9, 16}, {3, 5, 7});
  expectValue("torch.diff(x, 2)", {4}, {1, 4, 9, 16}, {2, 2});
  expectValue("torch.fliplr(x)", {1, 3}, {}, {2, 1, 0});
  expectValue("torch.flipud(x)", {3, 1}, {}, {2, 1, 0});
  expectValue("(torch.tensor_split(x, 3))[0]", {7}, {}, {0, 1, 2});
  expectValue("(torch.tensor_split(x, 3))[2]", {7}, {}, {5, 6});
  expectValue("(torch.tensor_split(x, [1, -2]))[1]", {5}, {}, {1, 2});
  expectValue("torch.unfold(x, 0, 3, 2)", {6}, {}, {0, 1, 2, 2, 3, 4});
  EXPECT_EQ(shapeOf("torch.unfold(x, 1, 2, 1)", {2, 4, 5}), "[2,3,5,2]");
  expectValue("torch.diagonal(x)", {2, 3}, {}, {0, 4});
  expectValue("torch.diagonal(x, 1, 0, 1)", {2, 3}, {}, {1, 5});
  expectValue("torch.diagonal(x, -1, -2, -1)", {1, 2, 2}, {}, {2});
  EXPECT_TRUE(has(errorOf("torch.unfold(x, 0, 9, 1)", {6}), "a window of 9 does not fit into 6"));
}

TEST(TorchComposed, SlicesByIndex) {
  expectValue("torch.index_fill(x, 1, torch.tensor([1]), 9)", {2, 2}, {}, {0, 9, 2, 9});
  expectValue("torch.index_copy(x, 0, torch.tensor([1]), torch.full([1, 2], 5.))", {2, 2}, {}, {0, 1, 5, 5});
  expectValue("torch.index_add(x, 0, torch.tensor([0, 0]), torch.ones([2, 2]), alpha=2)", {2, 2}, {},
              {4, 5, 2, 3});
}

TEST(TorchComposed, ProductsAndDistances) {
  expectValue("torch.inner(x, torch.tensor([1., 10.]))", {2, 2}, {}, {10, 32});
  EXPECT_EQ(shapeOf("torch.inner(x, x)", {2, 3, 4}), "[2,3,2,3]");
  expectValue("torch.tensordot(x, x, [0], [0])", {2, 2}, {}, {4, 6, 6, 10});
  expectValue("torch.tensordot(x, x, [0, 1], [0, 1])", {2, 2}, {}, {14});
  expectValue(
      "torch.bilinear(x, torch.tensor([[1., 2.]]), torch.tensor([[[1., 0.], [0., 1.]]]), torch.ones([1]))",
      {1, 2}, {3, 4}, {12});
  expectValue("torch.cross(x, torch.tensor([0., 1., 0.]))", {3}, {1, 0, 0}, {0, 0, 1});
  expectValue("torch.linalg_cross(x, torch.tensor([[4., 5., 6.]]))", {1, 3}, {1, 2, 3}, {-3, 6, -3});
  expectValue("torch.pairwise_distance(x, torch.zeros([1, 2]), 2., 0.)", {1, 2}, {3, 4}, {5});
  expectValue("torch.cdist(x, torch.tensor([[0., 0.], [3., 0.]]), 2.)", {1, 2}, {3, 4}, {5, 4});
  expectValue("torch.cdist(x, torch.zeros([1, 2]), 1.)", {1, 2}, {3, -4}, {7});
  EXPECT_TRUE(has(errorOf("torch.cross(x, x)", {2}), "no axis of length 3"));
}

TEST(TorchComposed, WindowsOfPictures) {
  // Rows of a picture of 2 by 3 in windows of 1 by 2; each place of the window is a row of the result.
  expectValue("torch.im2col(x, [1, 2], [1, 1], [0, 0], [1, 1])", {1, 1, 2, 3}, {}, {0, 1, 3, 4, 1, 2, 4, 5});
  EXPECT_EQ(shapeOf("torch.im2col(x, [3, 3], [1, 1], [1, 1], [2, 2])", {1, 2, 4, 4}), "[1,18,4]");
  // Back: the middle column lies in two windows.
  expectValue(
      "torch.col2im(torch.im2col(x, [1, 2], [1, 1], [0, 0], [1, 1]), [2, 3], [1, 2], [1, 1], [0, 0], [1, 1])",
      {1, 1, 2, 3}, {}, {0, 2, 2, 3, 8, 5});
  EXPECT_EQ(shapeOf("torch.col2im(x, [5, 4], [2, 2], [1, 1], [0, 0], [2, 2])", {1, 8, 4}), "[1,2,5,4]");
  EXPECT_TRUE(has(errorOf("torch.col2im(x, [9, 9], [2, 2], [1, 1], [0, 0], [2, 2])", {1, 8, 4}),
                  "4 columns are no 4x4 windows"));
  expectValue("torch.affine_grid_generator(x, [1, 1, 1, 2], False)", {1, 2, 3}, {1, 0, 0.25f, 0, 1, 0},
              {-0.25f, 0, 0.75f, 0});
  expectValue("torch.affine_grid_generator(x, [1, 1, 2, 2], True)", {1, 2, 3}, {1, 0, 0, 0, 2, 0},
              {-1, -2, 1, -2, -1, 2, 1, 2});
}

TEST(TorchComposed, UnpoolingPutsValuesBack) {
  const std::string indices = "(torch.max_pool2d_with_indices(x, [2, 2]))[1]",
                    pooled = "(torch.max_pool2d_with_indices(x, [2, 2]))[0]";
  expectValue("torch.max_unpool2d(" + pooled + ", " + indices + ", [2, 2])", {1, 2, 2, 2},
              {0, 9, 1, 2, 3, 4, 8, 5}, {0, 9, 0, 0, 0, 0, 8, 0});
}

TEST(TorchComposed, FakeQuantizationRoundsToItsSteps) {
  expectValue("torch.fake_quantize_per_tensor_affine(x, 0.5, 2, 0, 255)", {3}, {0.3f, -9, 0.8f},
              {0.5f, -1, 1});
  expectValue("torch.fake_quantize_per_tensor_affine(x, 1., 0, 0, 15)", {2}, {20, 7.4f}, {15, 7});
  expectValue("torch.fake_quantize_per_channel_affine(x, torch.tensor([1., 0.25]), torch.tensor([0, 0]), 0, "
              "-128, 127)",
              {2, 1}, {0.6f, 0.6f}, {1, 0.5f});
  EXPECT_TRUE(has(errorOf("torch.fake_quantize_per_tensor_affine(x, 1., 0, 0, 65535)", {1}), "0 to 65535"));
}

TEST(TorchComposed, QuantizedTensorsWithNumbers) {
  const std::string q = "torch.quantize_per_tensor(x, 0.5, 10, 13)";
  expectValue("torch.dequantize(ops.quantized.mul_scalar(" + q + ", 2.))", {2}, {1, -2}, {2, -4});
  expectValue("torch.dequantize(ops.quantized.mul_scalar(" + q + ", -2.))", {2}, {1, -2}, {-2, 4});
  expectValue("torch.dequantize(ops.quantized.add_scalar(" + q + ", 1.1))", {2}, {1, -2}, {2, -1});
  // Beyond what the zero point can hold, the scale grows: (255 - 10 + 400) * 0.5 / 255.
  const float scale = (245 + 400) * 0.5f / 255;
  expectValue("torch.dequantize(ops.quantized.add_scalar(" + q + ", 200.))", {1}, {1},
              {std::round(201 / scale) * scale});
}

TEST(TorchComposed, BoundedFunctionsOfQuantizedTensorsHaveTheirOwnScale) {
  const std::string q = "torch.quantize_per_tensor(x, 0.5, 10, 13)";
  auto rounded = [](float value, float steps) { return std::round(value * steps) / steps; };
  expectValue("torch.dequantize(torch.sigmoid(" + q + "))", {2}, {0, -1},
              {0.5f, rounded(1 / (1 + std::exp(1.0f)), 256)});
  expectValue("torch.dequantize(torch.hardsigmoid(" + q + "))", {1}, {0}, {0.5f});
  expectValue("torch.dequantize(torch.tanh(" + q + "))", {1}, {1}, {rounded(std::tanh(1.0f), 128)});
  expectValue("torch.dequantize(torch.relu(" + q + "))", {2}, {1.4f, -1}, {1.5f, 0});
}

// Scripted modules hand tensors of one element to parameters that are numbers.
TEST(TorchComposed, NumbersAreTakenOutOfTensors) {
  expectValue("torch.leaky_relu(x, torch.tensor(0.5))", {2}, {-4, 4}, {-2, 4});
  expectValue("torch.narrow(x, 0, torch.tensor(1), torch.tensor(2))", {4}, {}, {1, 2});
  EXPECT_TRUE(has(errorOf("torch.leaky_relu(x, torch.ones([2]))", {2}), "with the arguments"));
}

TEST(TorchComposed, LengthsOfEverything) {
  expectValue("torch.add(x, torch.len({\"a\": 1, \"b\": 2}))", {1}, {}, {2});
  expectValue("torch.add(x, torch.len(x))", {2}, {}, {2, 3});
  expectValue("torch.add(x, torch.len(\"abc\"))", {1}, {}, {3});
}

TEST(TorchComposed, WhatIsNotSupportedSaysWhatHelps) {
  for (auto [expression, advice] : {std::pair{"torch.stft(x, 4)", "complex numbers"},
                                    {"torch.linalg_inv(x)", "cannot be factored"},
                                    {"torch.mse_loss(x, x)", "it is a loss"},
                                    {"torch.rand_like(x)", "its result is random"},
                                    {"torch.unique_consecutive(x)", "depends on data"},
                                    {"ops.quantized.linear_dynamic(x, x)", "export the float model"},
                                    {"ops.torchvision.nms(x, x, 0.5)", "depends on data"},
                                    {"ops.mkldnn._convolution_relu_(x)", "optimized for one machine"},
                                    {"ops.myext.op(x)", "belongs to an extension"}})
    EXPECT_TRUE(has(errorOf(expression, {2}), advice)) << errorOf(expression, {2});
}
