// Operators that compute: results worked out by hand or by the formula of the operator's definition.
#include "lib/import/tflite/test_model.h"

#include <cmath>
#include <functional>

using namespace burin;
using namespace burin::tflite::test;
namespace tfl = burin::tfl;

namespace {
const Tensor kFloat = floats();
} // namespace

TEST(TfliteConvolution, SameWithStrideAndBias) {
  // 3x3 picture 0..8, kernel of ones 2x2, stride 2: one pad at the end.
  tfl::Conv2DOptionsT o;
  o.stride_h = o.stride_w = 2;
  auto m = evaluate(3, {f32({1, 3, 3, 1}, counting(9)), f32({1, 2, 2, 1}, {1, 1, 1, 1}), f32({1}, {0.5f})},
                    {kFloat}, o);
  expectNear(m, {8.5f, 7.5f, 13.5f, 8.5f});
  EXPECT_EQ(m.shape(), "1x2x2x1");
}

TEST(TfliteConvolution, ValidWithDilationGroupsAndActivation) {
  tfl::Conv2DOptionsT o;
  o.padding = tfl::Padding::VALID, o.stride_h = o.stride_w = 1, o.dilation_w = 2;
  o.activation = tfl::Activation::RELU6;
  // Two groups of one channel; weights [2, 1, 2, 1].
  auto m =
      evaluate(3, {f32({1, 1, 3, 2}, {1, 10, 2, 20, 3, 30}), f32({2, 1, 2, 1}, {1, 1, -1, 1})}, {kFloat}, o);
  expectNear(m, {4, 6});
}

TEST(TfliteConvolution, DepthwiseWithMultiplier) {
  tfl::DepthwiseConv2DOptionsT o;
  o.padding = tfl::Padding::VALID, o.stride_h = o.stride_w = 1, o.depth_multiplier = 2;
  auto m = evaluate(4, {f32({1, 1, 1, 2}, {3, 5}), f32({1, 1, 1, 4}, {1, 10, 100, 1000})}, {kFloat}, o);
  expectNear(m, {3, 30, 500, 5000});
}

TEST(TfliteConvolution, Transposed) {
  tfl::TransposeConvOptionsT o;
  o.padding = tfl::Padding::SAME, o.stride_h = o.stride_w = 2;
  // 3x3 kernel of ones over a 2x2 picture: the output of 4x4 starts at the kernel's first pad.
  auto m = evaluate(
      67, {ints({1, 4, 4, 1}), f32({1, 3, 3, 1}, std::vector<float>(9, 1)), f32({1, 2, 2, 1}, {1, 2, 3, 4})},
      {kFloat}, o);
  expectNear(m, {1, 1, 3, 2, 1, 1, 3, 2, 4, 4, 10, 6, 3, 3, 7, 4});
}

TEST(TfliteConvolution, ThreeDimensions) {
  tfl::Conv3DOptionsT o;
  o.padding = tfl::Padding::VALID, o.stride_d = o.stride_h = o.stride_w = 1;
  auto m = evaluate(132, {f32({1, 2, 1, 2, 1}, {1, 2, 3, 4}), f32({2, 1, 1, 1, 2}, {1, -1, 10, -10})},
                    {kFloat}, o);
  expectNear(m, {31, -31, 42, -42});
}

TEST(TflitePooling, PaddingDoesNotCount) {
  tfl::Pool2DOptionsT o;
  o.stride_h = o.stride_w = 2, o.filter_h = o.filter_w = 2;
  Tensor x = f32({1, 3, 3, 1}, counting(9));
  expectNear(evaluate(1, {x}, {kFloat}, o), {2, 3.5f, 6.5f, 8});
  expectNear(evaluate(17, {x}, {kFloat}, o), {4, 5, 7, 8});
  o.padding = tfl::Padding::VALID;
  expectNear(evaluate(12, {x}, {kFloat}, o), {std::sqrt((0.f + 1 + 9 + 16) / 4)});
}

TEST(TfliteLinear, FullyConnected) {
  tfl::FullyConnectedOptionsT o;
  o.activation = tfl::Activation::RELU;
  Tensor x = f32({1, 2, 2}, {1, 2, 3, 4}), w = f32({3, 2}, {1, 0, 0, 1, -1, -1}), b = f32({3}, {0, 10, 0});
  auto m = evaluate(9, {x, w, b}, {kFloat}, o);
  expectNear(m, {1, 12, 0, 3, 14, 0});
  EXPECT_EQ(m.shape(), "2x3");
  o.keep_num_dims = true;
  EXPECT_EQ(evaluate(9, {x, w, b}, {kFloat}, o).shape(), "1x2x3");
  o.weights_format = tfl::WeightsFormat::SHUFFLED4x16INT8;
  EXPECT_TRUE(has(evaluate(9, {x, w, b}, {kFloat}, o).error(), "shuffled"));
}

TEST(TfliteLinear, BatchMatMulWithAdjoints) {
  tfl::BatchMatMulOptionsT o;
  o.adj_x = true;
  expectNear(evaluate(126, {f32({2, 1}, {1, 2}), f32({2, 2}, {1, 2, 3, 4})}, {kFloat}, o), {7, 10});
  o.adj_x = false, o.adj_y = true;
  expectNear(evaluate(126, {f32({1, 2}, {1, 2}), f32({2, 2}, {1, 2, 3, 4})}, {kFloat}, o), {5, 11});
}

TEST(TfliteElementwise, FunctionsOfOneElement) {
  struct Case {
    int32_t code;
    std::function<float(float)> function;
  };
  const std::vector<float> x = {-7.25f, -1.5f, -0.5f, 0, 0.25f, 0.75f, 2.5f, 9};
  auto clip = [](float low, float high) { return [=](float v) { return std::min(std::max(v, low), high); }; };
  const Case cases[] = {
      {19, clip(0, 1e30f)},
      {21, clip(0, 6)},
      {20, clip(-1, 1)},
      {152, clip(0, 1)},
      {14, [](float v) { return 1 / (1 + std::exp(-v)); }},
      {28, [](float v) { return std::tanh(v); }},
      {111, [](float v) { return v < 0 ? std::expm1(v) : v; }},
      {117, [](float v) { return v * std::min(std::max(v + 3, 0.f), 6.f) / 6; }},
      {101, [](float v) { return std::abs(v); }},
      {59, [](float v) { return -v; }},
      {158, [](float v) { return v > 0   ? 1.f
                                 : v < 0 ? -1.f
                                         : 0.f; }},
      {47, [](float v) { return std::exp(v); }},
      {92, [](float v) { return v * v; }},
      {66, [](float v) { return std::sin(v); }},
      {108, [](float v) { return std::cos(v); }},
      {8, [](float v) { return std::floor(v); }},
      {104, [](float v) { return std::ceil(v); }},
      {116, [](float v) { return std::nearbyint(v); }},
      {93, [](float) { return 0.f; }},
  };
  for (const Case& c : cases) {
    std::vector<float> expected;
    for (float v : x) expected.push_back(c.function(v));
    SCOPED_TRACE(c.code);
    expectNear(evaluate(c.code, {f32({8}, x)}, {kFloat}), expected, 2e-3f);
  }
  expectNear(evaluate(73, {f32({2}, {1, 4})}, {kFloat}), {0, std::log(4.f)});
  expectNear(evaluate(75, {f32({2}, {1, 4})}, {kFloat}), {1, 2});
  expectNear(evaluate(76, {f32({2}, {1, 4})}, {kFloat}), {1, 0.5f});
}

TEST(TfliteElementwise, FunctionsWithParameters) {
  tfl::LeakyReluOptionsT leaky;
  leaky.alpha = 0.25f;
  expectNear(evaluate(98, {f32({2}, {-4, 4})}, {kFloat}, leaky), {-1, 4});
  tfl::GeluOptionsT gelu;
  expectNear(evaluate(150, {f32({2}, {-1, 2})}, {kFloat}, gelu), {-0.158655f, 1.9544997f}, 1e-4f);
  gelu.approximate = true;
  expectNear(evaluate(150, {f32({2}, {-1, 2})}, {kFloat}, gelu), {-0.158808f, 1.954598f}, 1e-4f);
  expectNear(evaluate(54, {f32({1, 2}, {-4, -4}), f32({2}, {0.5f, 2})}, {kFloat}), {-2, -8});
}

TEST(TfliteElementwise, FunctionsOfTwoElements) {
  Tensor a = f32({2, 1}, {-7, 7}), b = f32({2}, {2, -2});
  tfl::AddOptionsT add;
  add.activation = tfl::Activation::RELU_N1_TO_1;
  expectNear(evaluate(0, {a, b}, {kFloat}, add), {-1, -1, 1, 1});
  expectNear(evaluate(41, {a, b}, {kFloat}, tfl::SubOptionsT()), {-9, -5, 5, 9});
  expectNear(evaluate(18, {a, b}, {kFloat}, tfl::MulOptionsT()), {-14, 14, 14, -14});
  expectNear(evaluate(42, {a, b}, {kFloat}, tfl::DivOptionsT()), {-3.5f, 3.5f, 3.5f, -3.5f});
  expectNear(evaluate(90, {a, b}, {kFloat}), {-4, 3, 3, -4});
  expectNear(evaluate(95, {a, b}, {kFloat}), {1, -1, 1, -1});
  expectNear(evaluate(55, {a, b}, {kFloat}), {2, -2, 7, 7});
  expectNear(evaluate(57, {a, b}, {kFloat}), {-7, -7, 2, -2});
  expectNear(evaluate(99, {a, b}, {kFloat}), {81, 25, 25, 81});
  expectNear(evaluate(78, {f32({2}, {2, 3}), f32({2}, {3, 2})}, {kFloat}), {8, 9}, 1e-4f);
  expectNear(evaluate(106, {b, b, b}, {kFloat}), {6, -6});
  Tensor integer = of(tfl::TensorType::INT32);
  expectInts(evaluate(90, {ints({-7, 7, 6}), ints({2, -2, 3})}, {integer}), {-4, -4, 2});
  expectInts(evaluate(95, {ints({-7, 7, 6}), ints({2, -2, 4})}, {integer}), {1, -1, 2});
  expectInts(evaluate(160, {ints({6, 5}), ints({3, 5})}, {integer}), {5, 0});
}

TEST(TfliteElementwise, ComparisonsLogicAndSelection) {
  Tensor a = f32({3}, {1, 2, 3}), b = f32({3}, {2, 2, 2}), boolean = of(tfl::TensorType::BOOL);
  expectInts(evaluate(71, {a, b}, {boolean}), {0, 1, 0});
  expectInts(evaluate(72, {a, b}, {boolean}), {1, 0, 1});
  expectInts(evaluate(58, {a, b}, {boolean}), {1, 0, 0});
  expectInts(evaluate(63, {a, b}, {boolean}), {1, 1, 0});
  expectInts(evaluate(61, {a, b}, {boolean}), {0, 0, 1});
  expectInts(evaluate(62, {a, b}, {boolean}), {0, 1, 1});
  Tensor p = bools({2}, {1, 0}), q = bools({2}, {1, 1});
  expectInts(evaluate(86, {p, q}, {boolean}), {1, 0});
  expectInts(evaluate(84, {p, q}, {boolean}), {1, 1});
  expectInts(evaluate(87, {p}, {boolean}), {0, 1});
  Tensor x = f32({2, 2}, {1, 2, 3, 4}), y = f32({2, 2}, {-1, -2, -3, -4});
  expectNear(evaluate(64, {p, x, y}, {kFloat}), {1, 2, -3, -4});  // one condition per row
  expectNear(evaluate(123, {p, x, y}, {kFloat}), {1, -2, 3, -4}); // broadcast
  expectInts(evaluate(53, {f32({3}, {-1.5f, 0, 2.5f})}, {of(tfl::TensorType::INT32)}), {-1, 0, 2});
}

TEST(TfliteNormalization, Softmax) {
  tfl::SoftmaxOptionsT o;
  o.beta = 2;
  const float e = std::exp(2.f);
  expectNear(evaluate(25, {f32({1, 2}, {0, 1})}, {kFloat}, o), {1 / (1 + e), e / (1 + e)});
  expectNear(evaluate(50, {f32({1, 2}, {0, 0})}, {kFloat}), {-std::log(2.f), -std::log(2.f)});
}

TEST(TfliteNormalization, L2AndLocalResponse) {
  expectNear(evaluate(11, {f32({1, 2}, {3, 4})}, {kFloat}), {0.6f, 0.8f});
  tfl::LocalResponseNormalizationOptionsT o;
  o.radius = 1, o.bias = 1, o.alpha = 2, o.beta = 0.5f;
  expectNear(evaluate(13, {f32({1, 1, 1, 3}, {1, 2, 3})}, {kFloat}, o),
             {1 / std::sqrt(11.f), 2 / std::sqrt(29.f), 3 / std::sqrt(27.f)}, 1e-4f);
}

TEST(TfliteReduction, AxesAndTypes) {
  Tensor x = f32({2, 3}, {1, 5, 3, 4, 2, 6});
  tfl::ReducerOptionsT o;
  expectNear(evaluate(40, {x, ints({1})}, {kFloat}, o), {3, 4});
  expectNear(evaluate(74, {x, ints({-2})}, {kFloat}, o), {5, 7, 9});
  expectNear(evaluate(81, {x, ints({0, 1})}, {kFloat}, o), {720}, 1e-3f);
  o.keep_dims = true;
  auto m = evaluate(82, {x, ints({1})}, {kFloat}, o);
  expectNear(m, {5, 6});
  EXPECT_EQ(m.shape(), "2x1");
  expectNear(evaluate(89, {x, ints({1})}, {kFloat}, o), {1, 2});
  Tensor flags = bools({2, 2}, {1, 0, 1, 1}), boolean = of(tfl::TensorType::BOOL);
  expectInts(evaluate(91, {flags, ints({1})}, {boolean}, o), {1, 1});
  expectInts(evaluate(140, {flags, ints({1})}, {boolean}, o), {0, 1});
  expectInts(evaluate(56, {x, ints({1})}, {of(tfl::TensorType::INT64)}), {1, 2});
  expectInts(evaluate(79, {x, ints({0})}, {of(tfl::TensorType::INT32)}), {0, 1, 0});
  tfl::CumsumOptionsT sum;
  sum.reverse = true;
  expectNear(evaluate(128, {x, ints({1})}, {kFloat}, sum), {9, 8, 3, 12, 8, 6});
}
