#include "runtime/math/unary_functions.h"
#include "runtime/ops/op_case.h"

namespace burin::rt {
extern const OpTable kElementwiseOps;
namespace {
using namespace test;

const Shape kShape = {2, 19, 5, 7};

OpCase unary(const char* fn) {
  OpCase c(kElementwiseOps, "nn.unary");
  c.attrs.setText("fn", fn);
  return c;
}
OpCase binary(const char* fn) {
  OpCase c(kElementwiseOps, "nn.binary");
  c.attrs.setText("fn", fn);
  return c;
}

// Every float function, specials included: all kernels agree with the scalar function.
TEST(Unary, EveryFunctionGivesTheSameBitsEverywhere) {
  std::vector<float> x = randomFloats(kShape, 1, -12.0f, 12.0f);
  const float specials[] = {0.0f,  -0.0f,  math::kInfinity, -math::kInfinity, math::kNaN, 1e-40f, -1e-40f,
                            3e38f, -3e38f, 88.8f,           -103.9f};
  for (size_t i = 0; i < sizeof specials / sizeof *specials; ++i) x[i * 17] = specials[i];
  for (int i = 0; i < math::kFloatUnaryCount; ++i) {
    const math::UnaryFn fn = static_cast<math::UnaryFn>(i);
    OpCase c = unary(math::unaryFnName(fn));
    c.attrs.setFloats("alpha", {0.7f});
    c.attrs.setFloats("beta", {1.3f});
    const std::vector<float> y = c.in(kShape, x).run<float>();
    for (size_t j = 0; j < x.size(); ++j) {
      const float want = math::evaluateUnary(fn, x[j], {0.7f, 1.3f});
      if (std::isnan(want))
        EXPECT_TRUE(std::isnan(y[j]));
      else
        EXPECT_EQ(math::bitsOf(y[j]), math::bitsOf(want)) << math::unaryFnName(fn) << "(" << x[j] << ")";
    }
  }
}

TEST(Unary, DefaultParametersAreThoseOfOnnx) {
  EXPECT_EQ(unary("leaky_relu").in({1}, {-2.0f}).run<float>()[0], -0.02f);
  EXPECT_EQ(unary("hard_sigmoid").in({1}, {1.0f}).run<float>()[0], 0.7f);
  EXPECT_EQ(unary("clip").in({2}, {-1e30f, 1e30f}).run<float>(), (std::vector<float>{-1e30f, 1e30f}));
}

TEST(Unary, PredicatesGiveBool) {
  const std::vector<float> x = {1.0f, math::kNaN, math::kInfinity, -math::kInfinity};
  OpCase nan = unary("is_nan");
  EXPECT_EQ(nan.in({4}, x).run<uint8_t>(), (std::vector<uint8_t>{0, 1, 0, 0}));
  EXPECT_EQ(nan.type().dtype, DType::Bool);
  EXPECT_EQ(unary("is_inf").in({4}, x).run<uint8_t>(), (std::vector<uint8_t>{0, 0, 1, 1}));
  OpCase positive = unary("is_inf");
  positive.attrs.setFloats("alpha", {0.0f});
  EXPECT_EQ(positive.in({4}, x).run<uint8_t>(), (std::vector<uint8_t>{0, 0, 1, 0}));
}

TEST(Unary, IntegersWrap) {
  EXPECT_EQ(unary("abs").in<int8_t>(DType::I8, {3}, {-128, -5, 7}).run<int8_t>(),
            (std::vector<int8_t>{-128, 5, 7}));
  EXPECT_EQ(unary("neg").in<int64_t>(DType::I64, {2}, {INT64_MIN, 3}).run<int64_t>(),
            (std::vector<int64_t>{INT64_MIN, -3}));
  EXPECT_EQ(unary("sign").in<uint64_t>(DType::U64, {2}, {UINT64_MAX, 0}).run<uint64_t>(),
            (std::vector<uint64_t>{1, 0}));
  EXPECT_EQ(unary("relu").in<int32_t>(DType::I32, {2}, {-4, 4}).run<int32_t>(), (std::vector<int32_t>{0, 4}));
  EXPECT_EQ(unary("bit_not").in<uint16_t>(DType::U16, {1}, {0x00ff}).run<uint16_t>(),
            (std::vector<uint16_t>{0xff00}));
  EXPECT_EQ(unary("not").in<uint8_t>(DType::Bool, {2}, {0, 1}).run<uint8_t>(), (std::vector<uint8_t>{1, 0}));
  OpCase clip = unary("clip");
  clip.attrs.setFloats("alpha", {-2.0f});
  clip.attrs.setFloats("beta", {3.0f});
  EXPECT_EQ(clip.in<int32_t>(DType::I32, {4}, {-9, -2, 3, 9}).run<int32_t>(),
            (std::vector<int32_t>{-2, -2, 3, 3}));
  OpCase open = unary("clip");
  EXPECT_EQ(open.in<uint64_t>(DType::U64, {2}, {0, UINT64_MAX}).run<uint64_t>(),
            (std::vector<uint64_t>{0, UINT64_MAX}));
}

TEST(Unary, RefusesWhatIsNotDefined) {
  EXPECT_NE(unary("exp").in<int32_t>(DType::I32, {1}, {1}).infer(), "");
  EXPECT_NE(unary("not").in({1}, {1.0f}).infer(), "");
  EXPECT_NE(unary("nonsense").in({1}, {1.0f}).infer(), "");
  EXPECT_NE(unary("relu").infer(), "");
}

double exactBinary(const std::string& fn, double a, double b) {
  if (fn == "add") return a + b;
  if (fn == "sub") return a - b;
  if (fn == "mul") return a * b;
  if (fn == "div") return a / b;
  if (fn == "min") return std::isnan(a) || std::isnan(b) ? NAN : std::fmin(a, b);
  if (fn == "max") return std::isnan(a) || std::isnan(b) ? NAN : std::fmax(a, b);
  if (fn == "prelu") return a < 0 ? a * b : a;
  if (fn == "pow") return std::pow(a, b);
  if (fn == "fmod") return std::fmod(a, b);
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

TEST(Binary, FloatsBroadcastLikeNumpy) {
  const Shape others[] = {kShape, {}, {1}, {19, 1, 1}, {2, 1, 5, 1}, {7}, {1, 19, 1, 7}, {1, 1, 1, 1}};
  const std::vector<float> a = randomFloats(kShape, 2);
  for (const char* fn : {"add", "sub", "mul", "div", "min", "max", "prelu", "pow", "fmod", "mod"})
    for (const Shape& shape : others) {
      const std::vector<float> b = randomFloats(shape, 3);
      const std::vector<float> y = binary(fn).in(kShape, a).in(shape, b).run<float>();
      std::vector<double> want;
      int64_t steps[kMaxRank];
      OwnedTensor tensorB({DType::F32, shape}, Layout::RowMajor);
      broadcastStrides(tensorB.tensor, kShape, steps);
      OwnedTensor tensorA({DType::F32, kShape}, Layout::RowMajor);
      StridedWalk<2>(kShape, {tensorA.tensor.stride, steps}).forEach([&](const int64_t* offset) {
        want.push_back(exactBinary(fn, a[static_cast<size_t>(offset[0])], b[static_cast<size_t>(offset[1])]));
      });
      SCOPED_TRACE(fn);
      expectNear(y, want, 1e-6);
    }
}

TEST(Binary, BothOperandsMayRepeat) {
  OpCase c = binary("sub");
  EXPECT_EQ(c.in({3, 1}, {10, 20, 30}).in({1, 2}, {1, 2}).run<float>(),
            (std::vector<float>{9, 8, 19, 18, 29, 28}));
  EXPECT_EQ(c.type().shape, (Shape{3, 2}));
}

// Few channels, innermost in memory, against long images, and a row that changes with the image.
TEST(Binary, ShortRowsRepeat) {
  for (int64_t channels : {2, 3, 16, 33})
    for (const Shape& small : {Shape{channels, 1, 1}, Shape{2, channels, 1, 1}})
      for (bool swapped : {false, true}) {
        const Shape large = {2, channels, 9, 77};
        const std::vector<float> a = randomFloats(large, 1), b = randomFloats(small, 2);
        OpCase c = binary("sub");
        swapped ? c.in(small, b).in(large, a) : c.in(large, a).in(small, b);
        const std::vector<float> y = c.run<float>();
        for (size_t i = 0; i < a.size(); ++i) {
          const size_t channel = i / (9 * 77) % (small.rank == 4 ? b.size() : static_cast<size_t>(channels));
          ASSERT_EQ(y[i], swapped ? b[channel] - a[i] : a[i] - b[channel]);
        }
      }
}

TEST(Binary, EmptyTensorsAreFine) {
  OpCase c = binary("add");
  EXPECT_TRUE(c.in({0, 3}, std::vector<float>{}).in({3}, {1, 2, 3}).run<float>().empty());
}

TEST(Binary, ClampsAndKeepsNaN) {
  OpCase c = binary("add");
  c.attrs.setFloats("lo", {0.0f});
  c.attrs.setFloats("hi", {6.0f});
  const std::vector<float> y = c.in({4}, {-5.0f, 2.0f, 9.0f, math::kNaN}).in({1}, {1.0f}).run<float>();
  EXPECT_EQ(y[0], 0.0f);
  EXPECT_EQ(y[1], 3.0f);
  EXPECT_EQ(y[2], 6.0f);
  EXPECT_TRUE(std::isnan(y[3]));
}

TEST(Binary, MinAndMaxPassNaNOnFromEitherSide) {
  for (const char* fn : {"min", "max"}) {
    const std::vector<float> y =
        binary(fn).in({2}, {math::kNaN, 1.0f}).in({2}, {1.0f, math::kNaN}).run<float>();
    EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1])) << fn;
  }
}

TEST(Binary, ComparisonsGiveBool) {
  const std::vector<float> a = {1, 2, 3, math::kNaN}, b = {2, 2, 2, math::kNaN};
  auto run = [&](const char* fn) { return binary(fn).in({4}, a).in({4}, b).run<uint8_t>(); };
  using Bools = std::vector<uint8_t>;
  EXPECT_EQ(run("equal"), (Bools{0, 1, 0, 0}));
  EXPECT_EQ(run("less"), (Bools{1, 0, 0, 0}));
  EXPECT_EQ(run("greater"), (Bools{0, 0, 1, 0}));
  EXPECT_EQ(run("less_equal"), (Bools{1, 1, 0, 0}));
  EXPECT_EQ(run("greater_equal"), (Bools{0, 1, 1, 0}));
  EXPECT_EQ(binary("less")
                .in<uint64_t>(DType::U64, {1}, {1})
                .in<uint64_t>(DType::U64, {1}, {UINT64_MAX})
                .run<uint8_t>(),
            (Bools{1}));
  EXPECT_EQ(
      binary("less").in<int64_t>(DType::I64, {1}, {1}).in<int64_t>(DType::I64, {1}, {-1}).run<uint8_t>(),
      (Bools{0}));
  EXPECT_EQ(binary("equal")
                .in<uint8_t>(DType::Bool, {2}, {1, 0})
                .in<uint8_t>(DType::Bool, {2}, {1, 1})
                .run<uint8_t>(),
            (Bools{1, 0}));
}

template <class T>
std::vector<T> integers(const char* fn, DType dtype, const std::vector<T>& a, const std::vector<T>& b) {
  const int64_t n = static_cast<int64_t>(a.size());
  OpCase c = binary(fn);
  c.in<T>(dtype, {n}, a);
  c.in<T>(dtype, {n}, b);
  return c.run<T>();
}

TEST(Binary, IntegerArithmeticWrapsAndTruncates) {
  using I32 = std::vector<int32_t>;
  EXPECT_EQ(integers<int32_t>("add", DType::I32, {INT32_MAX}, {1}), (I32{INT32_MIN}));
  EXPECT_EQ(integers<int32_t>("div", DType::I32, {-7, 7, -7, INT32_MIN, 5}, {2, -2, -2, -1, 0}),
            (I32{-3, -3, 3, INT32_MIN, 0}));
  EXPECT_EQ(integers<int32_t>("mod", DType::I32, {-4, 7, 5, -4, 7, 5}, {2, -3, 8, -2, 3, -8}),
            (I32{0, -2, 5, 0, 1, -3}));
  EXPECT_EQ(integers<int32_t>("fmod", DType::I32, {-4, 7, 5, 4, -7, 8}, {2, -3, 8, -2, 3, 5}),
            (I32{0, 1, 5, 0, -1, 3}));
  EXPECT_EQ(integers<int64_t>("div", DType::I64, {INT64_MIN}, {-1}), (std::vector<int64_t>{INT64_MIN}));
  EXPECT_EQ(integers<uint64_t>("div", DType::U64, {UINT64_MAX}, {2}),
            (std::vector<uint64_t>{UINT64_MAX / 2}));
  EXPECT_EQ(integers<uint64_t>("mod", DType::U64, {UINT64_MAX}, {10}), (std::vector<uint64_t>{5}));
  EXPECT_EQ(integers<uint8_t>("sub", DType::U8, {3}, {5}), (std::vector<uint8_t>{254}));
  EXPECT_EQ(integers<uint8_t>("shift_left", DType::U8, {16, 4, 1}, {1, 2, 8}),
            (std::vector<uint8_t>{32, 16, 0}));
  EXPECT_EQ(integers<uint64_t>("shift_right", DType::U64, {UINT64_MAX, 8}, {63, 64}),
            (std::vector<uint64_t>{1, 0}));
  EXPECT_EQ(integers<int8_t>("bit_xor", DType::I8, {5}, {3}), (std::vector<int8_t>{6}));
  EXPECT_EQ(integers<uint8_t>("xor", DType::Bool, {1, 1, 0}, {1, 0, 0}), (std::vector<uint8_t>{0, 1, 0}));
}

TEST(Binary, PowersOfIntegersAreExact) {
  EXPECT_EQ(integers<int64_t>("pow", DType::I64, {3, -2, 7, 0, -1, 2}, {39, 3, 0, 0, -3, -1}),
            (std::vector<int64_t>{4052555153018976267, -8, 1, 1, -1, 0}));
  EXPECT_EQ(binary("pow").in<int32_t>(DType::I32, {3}, {1, 2, 3}).in({3}, {4.0f, 5.0f, 6.0f}).run<int32_t>(),
            (std::vector<int32_t>{1, 32, 729}));
  EXPECT_EQ(binary("pow").in({3}, {1.5f, 2.0f, 3.0f}).in<int64_t>(DType::I64, {3}, {2, -1, 4}).run<float>(),
            (std::vector<float>{2.25f, 0.5f, 81.0f}));
}

TEST(Binary, RefusesWhatIsNotDefined) {
  EXPECT_NE(binary("add").in({2}, {1, 2}).in({3}, {1, 2, 3}).infer(), "");
  EXPECT_NE(binary("add").in({1}, {1}).in<int32_t>(DType::I32, {1}, {1}).infer(), "");
  EXPECT_NE(binary("and").in({1}, {1}).in({1}, {1}).infer(), "");
  EXPECT_NE(binary("bit_and").in<uint8_t>(DType::Bool, {1}, {1}).in<uint8_t>(DType::Bool, {1}, {1}).infer(),
            "");
  EXPECT_NE(binary("add").in({1}, {1}).infer(), "");
}

TEST(Binary, SquaresByPow) {
  EXPECT_EQ(binary("pow").in({3}, {-3.0f, 1.5f, 1e20f}).in({}, {2.0f}).run<float>(),
            (std::vector<float>{9.0f, 2.25f, math::kInfinity}));
  EXPECT_EQ(binary("pow").in({2}, {-3.0f, 1.5f}).in({}, {3.0f}).run<float>(),
            (std::vector<float>{-27.0f, 3.375f}));
}

TEST(Select, BroadcastsAllThree) {
  OpCase c(kElementwiseOps, "nn.select");
  EXPECT_EQ(c.in<uint8_t>(DType::Bool, {2, 1}, {1, 0}).in({3}, {1, 2, 3}).in({1}, {9}).run<float>(),
            (std::vector<float>{1, 2, 3, 9, 9, 9}));
  OpCase wide(kElementwiseOps, "nn.select");
  EXPECT_EQ(wide.in<uint8_t>(DType::Bool, {2}, {1, 0})
                .in<int64_t>(DType::I64, {2}, {1, 2})
                .in<int64_t>(DType::I64, {2}, {3, 4})
                .run<int64_t>(),
            (std::vector<int64_t>{1, 4}));
}

template <class From, class To>
std::vector<To> cast(DType from, DType to, const std::vector<From>& x) {
  OpCase c(kElementwiseOps, "nn.cast");
  c.attrs.setText("to", dtypeName(to));
  c.in<From>(from, {static_cast<int64_t>(x.size())}, x);
  return c.run<To>();
}

TEST(Cast, FloatsTruncateAndSaturate) {
  const std::vector<float> x = {1.9f, -1.9f, 300.0f, -300.0f, math::kNaN, math::kInfinity, -math::kInfinity};
  EXPECT_EQ((cast<float, int8_t>(DType::F32, DType::I8, x)),
            (std::vector<int8_t>{1, -1, 127, -128, 0, 127, -128}));
  EXPECT_EQ((cast<float, uint8_t>(DType::F32, DType::U8, x)),
            (std::vector<uint8_t>{1, 0, 255, 0, 0, 255, 0}));
  EXPECT_EQ((cast<float, int64_t>(DType::F32, DType::I64, {9.3e18f, -9.3e18f, 1e18f})),
            (std::vector<int64_t>{INT64_MAX, INT64_MIN, 999999984306749440}));
  EXPECT_EQ((cast<float, uint64_t>(DType::F32, DType::U64, {2e19f, 1.8e19f, -0.5f})),
            (std::vector<uint64_t>{UINT64_MAX, 18000000404716257280u, 0}));
  EXPECT_EQ((cast<float, int32_t>(DType::F32, DType::I32, {2147483648.0f, -2147483648.0f})),
            (std::vector<int32_t>{INT32_MAX, INT32_MIN}));
  EXPECT_EQ((cast<float, uint8_t>(DType::F32, DType::Bool, {0.0f, -0.0f, 0.3f, math::kNaN})),
            (std::vector<uint8_t>{0, 0, 1, 1}));
}

TEST(Cast, IntegersWrapAndBecomeFloats) {
  EXPECT_EQ((cast<int32_t, uint8_t>(DType::I32, DType::U8, {-1, 256, 511})),
            (std::vector<uint8_t>{255, 0, 255}));
  EXPECT_EQ((cast<int8_t, uint64_t>(DType::I8, DType::U64, {-1})), (std::vector<uint64_t>{UINT64_MAX}));
  EXPECT_EQ((cast<uint64_t, float>(DType::U64, DType::F32, {UINT64_MAX})),
            (std::vector<float>{18446744073709551616.0f}));
  EXPECT_EQ((cast<int64_t, float>(DType::I64, DType::F32, {-5, 16777217})),
            (std::vector<float>{-5.0f, 16777216.0f}));
  EXPECT_EQ((cast<uint8_t, float>(DType::Bool, DType::F32, {0, 1, 2})), (std::vector<float>{0, 1, 1}));
}

TEST(Cast, HalvesRoundToNearestEven) {
  EXPECT_EQ((cast<float, uint16_t>(DType::F32, DType::F16, {1.0f, 1.00048828125f, 1.00146484375f, 65520.0f})),
            (std::vector<uint16_t>{0x3c00, 0x3c00, 0x3c02, 0x7c00}));
  EXPECT_EQ((cast<float, uint16_t>(DType::F32, DType::BF16, {1.0f, 1.00390625f})),
            (std::vector<uint16_t>{0x3f80, 0x3f80}));
  EXPECT_EQ((cast<uint16_t, float>(DType::F16, DType::F32, {0x3c00, 0x0001})),
            (std::vector<float>{1.0f, 5.9604645e-8f}));
  EXPECT_EQ((cast<uint16_t, int32_t>(DType::BF16, DType::I32, {0x4049})), (std::vector<int32_t>{3}));
}

TEST(Cast, RefusesAnUnknownType) {
  OpCase c(kElementwiseOps, "nn.cast");
  c.attrs.setText("to", "f8");
  EXPECT_NE(c.in({1}, {1}).infer(), "");
}

} // namespace
} // namespace burin::rt
