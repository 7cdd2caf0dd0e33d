// The elementary functions against the C library in double, and against bits that must not change.
#include "runtime/math/binary_functions.h"
#include "runtime/math/half.h"
#include "runtime/math/unary_functions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace burin::rt::math {
namespace {

// Units in the last place of the float nearest to `exact`.
double ulpsOff(float got, double exact) {
  if (std::isnan(exact)) return std::isnan(got) ? 0 : 1e9;
  if (std::isinf(exact) || std::fabs(exact) > 3.4028235677973366e38)
    return std::isinf(got) && (got > 0) == (exact > 0) ? 0 : 1e9;
  int exponent = std::ilogb(exact == 0 ? 1e-300 : exact);
  if (exponent < -126) exponent = -126;
  if (std::isinf(got)) return std::fabs(exact) >= 3.4028234e38 ? 1 : 1e9;
  return std::fabs(static_cast<double>(got) - exact) / std::ldexp(1.0, exponent - 23);
}

// Visits floats of every exponent and sign, the specials among them; `step` is coprime to 2.
void forManyFloats(uint32_t step, const std::function<void(float)>& body) {
  const uint32_t count = static_cast<uint32_t>((uint64_t{1} << 32) / step);
  for (uint32_t i = 0; i < count; ++i) body(floatOf(i * step));
  for (uint32_t bits : {0x0u, 0x1u, 0x7fffffu, 0x800000u, 0x3f7fffffu, 0x3f800000u, 0x3f800001u, 0x7f7fffffu,
                        0x7f800000u, 0x7fc00000u})
    for (uint32_t sign : {0u, 0x80000000u}) body(floatOf(bits | sign));
}

struct Accuracy {
  const char* name;
  float (*ours)(float);
  double (*reference)(double);
  double ulps;
};

double sigmoidReference(double x) { return 1 / (1 + std::exp(-x)); }

class ElementaryFunction : public testing::TestWithParam<Accuracy> {};

TEST_P(ElementaryFunction, IsAccurateOverAllFloats) {
  const Accuracy& a = GetParam();
  double worst = 0;
  float where = 0;
  forManyFloats(4099, [&](float x) {
    const double off = ulpsOff(a.ours(x), a.reference(static_cast<double>(x)));
    if (off > worst) worst = off, where = x;
  });
  EXPECT_LE(worst, a.ulps) << a.name << "(" << where << ") = " << a.ours(where);
}

// 1e-6 relative is 8 ulp at least.
INSTANTIATE_TEST_SUITE_P(
    All, ElementaryFunction,
    testing::Values(Accuracy{"exp", [](float x) { return exp(x); }, std::exp, 2},
                    Accuracy{"expm1", [](float x) { return expm1(x); }, std::expm1, 2},
                    Accuracy{"log", [](float x) { return log(x); }, std::log, 2},
                    Accuracy{"sigmoid", [](float x) { return sigmoid(x); }, sigmoidReference, 2.5},
                    Accuracy{"tanh", [](float x) { return tanh(x); }, std::tanh, 4},
                    Accuracy{"erf", [](float x) { return erf(x); }, std::erf, 8},
                    Accuracy{"sin", sine, std::sin, 1}, Accuracy{"cos", cosine, std::cos, 1},
                    Accuracy{"tan", tangent, std::tan, 1}, Accuracy{"asin", arcSine, std::asin, 1},
                    Accuracy{"acos", arcCosine, std::acos, 1}, Accuracy{"atan", arcTangent, std::atan, 1},
                    Accuracy{"sinh", hyperbolicSine, std::sinh, 1},
                    Accuracy{"cosh", hyperbolicCosine, std::cosh, 1},
                    Accuracy{"asinh", inverseHyperbolicSine, std::asinh, 1},
                    Accuracy{"acosh", inverseHyperbolicCosine, std::acosh, 1},
                    Accuracy{"atanh", inverseHyperbolicTangent, std::atanh, 1},
                    Accuracy{"floor", [](float x) { return floorOf(x); }, std::floor, 0},
                    Accuracy{"ceil", [](float x) { return ceilOf(x); }, std::ceil, 0},
                    Accuracy{"round", [](float x) { return roundHalfEven(x); }, std::nearbyint, 0},
                    Accuracy{"sqrt", [](float x) { return squareRoot(x); }, std::sqrt, 0.5}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(ElementaryFunctions, KeepTheSignOfZeroAndDenormals) {
  for (auto f :
       {+[](float x) { return expm1(x); }, +[](float x) { return tanh(x); }, +[](float x) { return erf(x); },
        sine, tangent, arcTangent, hyperbolicSine, inverseHyperbolicSine, inverseHyperbolicTangent}) {
    EXPECT_EQ(bitsOf(f(-0.0f)), 0x80000000u);
    EXPECT_EQ(bitsOf(f(0.0f)), 0u);
  }
  EXPECT_EQ(tanh(1e-40f), 1e-40f);
  EXPECT_EQ(bitsOf(ceilOf(-0.5f)), 0x80000000u);
  EXPECT_EQ(bitsOf(roundHalfEven(-0.5f)), 0x80000000u);
  EXPECT_EQ(roundHalfEven(2.5f), 2.0f);
  EXPECT_EQ(roundHalfEven(3.5f), 4.0f);
  EXPECT_EQ(roundHalfEven(8388609.0f), 8388609.0f);
}

TEST(ElementaryFunctions, AreRightAtTheEnds) {
  EXPECT_EQ(exp(kInfinity), kInfinity);
  EXPECT_EQ(exp(-kInfinity), 0.0f);
  EXPECT_LT(exp(88.72283f), kInfinity);
  EXPECT_EQ(exp(88.7229f), kInfinity);
  EXPECT_GT(exp(-103.2f), 0.0f);
  EXPECT_EQ(log(0.0f), -kInfinity);
  EXPECT_EQ(log(-0.0f), -kInfinity);
  EXPECT_TRUE(std::isnan(log(-1.0f)));
  EXPECT_EQ(log(1.0f), 0.0f);
  EXPECT_EQ(sigmoid(-kInfinity), 0.0f);
  EXPECT_EQ(sigmoid(kInfinity), 1.0f);
  EXPECT_EQ(tanh(-kInfinity), -1.0f);
  EXPECT_EQ(erf(kInfinity), 1.0f);
  EXPECT_EQ(arcCosine(-1.0f), 3.14159274f);
}

// The smallest distance of a float to a multiple of pi/2: the hardest argument there is.
TEST(ElementaryFunctions, ReduceHardAngles) {
  const float hard = 16367173.0f * std::ldexp(1.0f, 72);
  EXPECT_LE(ulpsOff(cosine(hard), std::cos(static_cast<double>(hard))), 1);
  EXPECT_LE(ulpsOff(sine(hard), std::sin(static_cast<double>(hard))), 1);
}

TEST(Power, MatchesTheCLibraryOverPairsOfFloats) {
  double worst = 0;
  std::string where;
  auto check = [&](float x, float y) {
    const double off = ulpsOff(power(x, y), std::pow(static_cast<double>(x), static_cast<double>(y)));
    if (off > worst) worst = off, where = std::to_string(x) + " ^ " + std::to_string(y);
  };
  uint32_t state = 1;
  auto next = [&] { return state = state * 1664525u + 1013904223u; };
  for (int i = 0; i < 200000; ++i) check(floatOf(next()), floatOf(next()));
  for (int i = 0; i < 200000; ++i)
    check(static_cast<float>(next() >> 8) / 65536.0f,
          static_cast<float>(static_cast<int32_t>(next()) >> 8) / 200000.0f);
  const float ends[] = {0.0f, -0.0f, 1.0f,   -1.0f,       2.0f,      -2.0f,      0.5f, -0.5f,
                        3.0f, -3.0f, 1e-40f, 16777217.0f, kInfinity, -kInfinity, kNaN};
  for (float x : ends)
    for (float y : ends) {
      check(x, y);
      const float exact = static_cast<float>(std::pow(static_cast<double>(x), static_cast<double>(y)));
      EXPECT_TRUE(std::isnan(exact) || std::signbit(power(x, y)) == std::signbit(exact)) << x << " ^ " << y;
    }
  EXPECT_LE(worst, 1) << where;
}

TEST(Remainder, IsExact) {
  uint32_t state = 7;
  auto next = [&] { return state = state * 1664525u + 1013904223u; };
  for (int i = 0; i < 300000; ++i) {
    const float x = floatOf(next()), y = floatOf(next());
    const float ours = remainderOf(x, y), exact = std::fmod(x, y);
    if (std::isnan(exact))
      EXPECT_TRUE(std::isnan(ours));
    else
      ASSERT_EQ(bitsOf(ours), bitsOf(exact)) << x << " fmod " << y;
  }
  EXPECT_EQ(remainderOf(5.0f, kInfinity), 5.0f);
  EXPECT_TRUE(std::isnan(remainderOf(5.0f, 0.0f)));
  EXPECT_EQ(moduloOf(-7.0f, 3.0f), 2.0f);
  EXPECT_EQ(moduloOf(7.0f, -3.0f), -2.0f);
  EXPECT_EQ(moduloOf(-6.0f, 3.0f), 0.0f);
}

TEST(UnaryFunctions, MatchTheirDefinitions) {
  auto check = [](const char* name, const std::function<double(double)>& exact, double tolerance) {
    UnaryFn fn;
    ASSERT_TRUE(parseUnaryFn(name, fn)) << name;
    EXPECT_STREQ(unaryFnName(fn), name);
    for (float x = -12.0f; x < 12.0f; x += 0.0137f) {
      const double want = exact(x);
      EXPECT_NEAR(evaluateUnary(fn, x, defaultUnaryParams(fn)), want,
                  tolerance * std::fmax(std::fabs(want), 1e-3))
          << name << "(" << x << ")";
    }
  };
  check("leaky_relu", [](double x) { return x < 0 ? 0.01 * x : x; }, 1e-6);
  check("elu", [](double x) { return x < 0 ? std::expm1(x) : x; }, 1e-6);
  check(
      "selu", [](double x) { return 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * std::expm1(x) : x); },
      1e-6);
  check("celu", [](double x) { return x < 0 ? std::expm1(x) : x; }, 1e-6);
  check("hard_sigmoid", [](double x) { return std::fmin(std::fmax(0.2 * x + 0.5, 0), 1); }, 1e-5);
  check("hard_swish", [](double x) { return x * std::fmin(std::fmax(x / 6 + 0.5, 0), 1); }, 1e-5);
  check("silu", [](double x) { return x / (1 + std::exp(-x)); }, 1e-6);
  check("mish", [](double x) { return x * std::tanh(std::log1p(std::exp(x))); }, 1e-6);
  check("softplus", [](double x) { return std::log1p(std::exp(x)); }, 1e-6);
  check("softsign", [](double x) { return x / (1 + std::fabs(x)); }, 1e-6);
  check("gelu", [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }, 1e-3);
  check(
      "gelu_tanh",
      [](double x) { return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))); },
      1e-3);
  check("shrink", [](double x) { return x < -0.5 || x > 0.5 ? x : 0; }, 0);
  check("thresholded_relu", [](double x) { return x > 1 ? x : 0; }, 0);
  UnaryFn fn;
  EXPECT_FALSE(parseUnaryFn("frobnicate", fn));
}

TEST(UnaryFunctions, PassNaNOn) {
  for (int i = 0; i < kFloatUnaryCount; ++i) {
    const UnaryFn fn = static_cast<UnaryFn>(i);
    EXPECT_TRUE(std::isnan(evaluateUnary(fn, kNaN, defaultUnaryParams(fn)))) << unaryFnName(fn);
  }
  EXPECT_TRUE(std::isnan(minimum(kNaN, 1.0f)));
  EXPECT_TRUE(std::isnan(minimum(1.0f, kNaN)));
  EXPECT_TRUE(std::isnan(maximum(kNaN, 1.0f)));
  EXPECT_TRUE(std::isnan(maximum(1.0f, kNaN)));
}

TEST(Softplus, IsAccurateInItsTail) {
  for (float x = -100.0f; x < 100.0f; x += 0.31f)
    EXPECT_LE(ulpsOff(softplus(x), std::log1p(std::exp(static_cast<double>(x)))), 4) << x;
}

TEST(Half, WidensEveryPatternExactly) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const uint32_t exponent = (bits >> 10) & 31, fraction = bits & 1023;
    double exact = exponent == 31 ? (fraction ? NAN : INFINITY)
                   : exponent     ? std::ldexp(1024.0 + fraction, static_cast<int>(exponent) - 25)
                                  : std::ldexp(fraction, -24);
    const float got = halfToFloat(static_cast<uint16_t>(bits));
    if (std::isnan(exact)) {
      EXPECT_TRUE(std::isnan(got));
      continue;
    }
    if (bits & 0x8000) exact = -exact;
    EXPECT_EQ(got, static_cast<float>(exact)) << bits;
    EXPECT_EQ(std::signbit(got), (bits & 0x8000) != 0);
    EXPECT_EQ(floatToHalf(got), bits); // and back
  }
}

// Nearest by search among the neighbours: the tie goes to the even pattern.
TEST(Half, NarrowsToNearestEven) {
  for (uint32_t half = 0; half < 0x7c00; ++half) {
    const float below = halfToFloat(static_cast<uint16_t>(half));
    const float above = half == 0x7bff ? 65536.0f : halfToFloat(static_cast<uint16_t>(half + 1));
    const float middle = below + (above - below) / 2; // exact
    const uint16_t even = static_cast<uint16_t>(half & 1 ? half + 1 : half);
    EXPECT_EQ(floatToHalf(middle), even);
    EXPECT_EQ(floatToHalf(std::nextafterf(middle, 0.0f)), half);
    EXPECT_EQ(floatToHalf(std::nextafterf(middle, kInfinity)), half + 1);
    EXPECT_EQ(floatToHalf(-middle), even | 0x8000);
  }
  EXPECT_EQ(floatToHalf(kInfinity), 0x7c00);
  EXPECT_EQ(floatToHalf(1e30f), 0x7c00);
  EXPECT_EQ(floatToHalf(kNaN) & 0x7e00, 0x7e00);
  EXPECT_EQ(floatToHalf(1e-30f), 0);
}

TEST(Bfloat16, NarrowsToNearestEven) {
  EXPECT_EQ(floatToBfloat16(floatOf(0x3f808000u)), 0x3f80); // tie, even below
  EXPECT_EQ(floatToBfloat16(floatOf(0x3f818000u)), 0x3f82); // tie, even above
  EXPECT_EQ(floatToBfloat16(floatOf(0x3f808001u)), 0x3f81);
  EXPECT_EQ(floatToBfloat16(floatOf(0x7f7fffffu)), 0x7f80); // rounds to infinity
  EXPECT_EQ(floatToBfloat16(floatOf(0x7f800001u)) & 0x7fc0, 0x7fc0);
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float wide = bfloat16ToFloat(static_cast<uint16_t>(bits));
    EXPECT_TRUE(std::isnan(wide) || floatToBfloat16(wide) == bits) << bits;
  }
}

} // namespace
} // namespace burin::rt::math
