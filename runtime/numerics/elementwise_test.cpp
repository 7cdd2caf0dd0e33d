// Add, multiply, averages, scales and softmax against independent slow formulas.
#include "runtime/numerics/lut.h"
#include "runtime/numerics/pool.h"
#include "runtime/numerics/registry.h"
#include "runtime/numerics/softmax.h"
#include "runtime/numerics/weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace burin::rt {
namespace {

constexpr AddPolicy kAddPolicies[] = {AddPolicy::FloatRatio, AddPolicy::Multiplier8HalfUp,
                                      AddPolicy::SharedShift8HalfAway, AddPolicy::Tflite,
                                      AddPolicy::Multiplier15HalfEven};

int64_t floorDivide(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0); }
int64_t halfUp(int64_t a, int64_t b) { return floorDivide(2 * a + b, 2 * b); }
int64_t halfAway(int64_t a, int64_t b) { return a < 0 ? -halfUp(-a, b) : halfUp(a, b); }
int64_t halfEven(int64_t a, int64_t b) {
  const int64_t up = halfUp(a, b);
  return (2 * a + b) % (2 * b) == 0 && up % 2 != 0 ? up - 1 : up;
}

// The documented formulas with division instead of shifts.
int64_t slowAdd(int64_t a, int64_t b, const AddParameters& p) {
  const int64_t x = a - p.zeroPointA, y = (b - p.zeroPointB), sign = p.subtract ? -1 : 1;
  const auto power = [](int shift) { return int64_t{1} << shift; };
  const auto high = [](int64_t v, int64_t m) { return halfUp(v * m, int64_t{1} << 31); };
  int64_t sum = 0;
  switch (p.policy) {
  case AddPolicy::FloatRatio: {
    const float ratioB = static_cast<float>(sign) * p.ratioB;
    const float zeros = std::fma(p.ratioA, static_cast<float>(p.zeroPointA + 128),
                                 ratioB * static_cast<float>(p.zeroPointB + 128));
    const float offset = static_cast<float>(p.zeroPointOut + 128) - zeros;
    const float value = std::fma(static_cast<float>(a + 128), p.ratioA,
                                 std::fma(static_cast<float>(b + 128), ratioB, offset));
    return saturate(static_cast<int64_t>(std::nearbyint(value)) - 128, p.low, p.high);
  }
  case AddPolicy::Multiplier8HalfUp:
    sum = halfUp(x * p.rescaleA.multiplier, power(p.rescaleA.shift)) +
          sign * halfUp(y * p.rescaleB.multiplier, power(p.rescaleB.shift));
    break;
  case AddPolicy::SharedShift8HalfAway:
    sum = halfAway(x * p.rescaleA.multiplier + sign * y * p.rescaleB.multiplier, power(p.rescaleOut.shift));
    break;
  case AddPolicy::Multiplier15HalfEven:
    sum = halfEven(x * p.rescaleA.multiplier + sign * y * p.rescaleB.multiplier, power(p.rescaleOut.shift));
    break;
  case AddPolicy::Tflite: {
    const int64_t left = halfAway(high(x << p.leftShift, p.rescaleA.multiplier), power(p.rescaleA.shift));
    const int64_t right = halfAway(high(y << p.leftShift, p.rescaleB.multiplier), power(p.rescaleB.shift));
    sum = halfAway(high(left + sign * right, p.rescaleOut.multiplier), power(p.rescaleOut.shift));
    break;
  }
  }
  return saturate(sum + p.zeroPointOut, p.low, p.high);
}

TEST(Add, ExhaustiveOverInt8) {
  const float scales[][3] = {
      {0.1f, 0.05f, 0.1f}, {0.02f, 0.031f, 0.045f}, {0.5f, 0.5f, 1.0f}, {0.013f, 0.9f, 0.91f}};
  for (AddPolicy policy : kAddPolicies)
    for (const auto& s : scales)
      for (bool subtract : {false, true}) {
        AddParameters p;
        ASSERT_EQ(encodeAdd(policy, s[0], s[1], s[2], 8, p), EncodeStatus::Ok);
        p.subtract = subtract;
        p.zeroPointA = 3;
        p.zeroPointB = -7;
        p.zeroPointOut = 11;
        for (int32_t a = -128; a < 128; ++a)
          for (int32_t b = -128; b < 128; ++b)
            ASSERT_EQ(addQuantized(a, b, p), slowAdd(a, b, p)) << nameOf(policy) << ' ' << a << ' ' << b;
      }
}

TEST(Add, StaysNearTheRealSum) {
  for (AddPolicy policy : kAddPolicies) {
    AddParameters p;
    ASSERT_EQ(encodeAdd(policy, 0.02f, 0.031f, 0.045f, 8, p), EncodeStatus::Ok);
    // Each 7-bit multiplier is off by up to 1/64 when truncated and 1/128 when rounded.
    const double tolerance = policy == AddPolicy::SharedShift8HalfAway ? 3
                             : policy == AddPolicy::Multiplier8HalfUp  ? 1.6
                                                                       : 0.51;
    for (int32_t a = -100; a <= 100; a += 3)
      for (int32_t b = -100; b <= 100; b += 7)
        ASSERT_NEAR(addQuantized(a, b, p), (a * 0.02 + b * 0.031) / 0.045, tolerance) << nameOf(policy);
  }
}

TEST(Add, UnrepresentableScalesAreErrors) {
  AddParameters p;
  EXPECT_EQ(encodeAdd(AddPolicy::Multiplier8HalfUp, 1000, 1, 1, 8, p), EncodeStatus::TooLarge);
  EXPECT_EQ(encodeAdd(AddPolicy::Multiplier15HalfEven, 1e6f, 1, 1, 8, p), EncodeStatus::TooLarge);
  EXPECT_EQ(encodeAdd(AddPolicy::FloatRatio, 0, 1, 1, 8, p), EncodeStatus::NotPositive);
  EXPECT_EQ(encodeAdd(AddPolicy::FloatRatio, 1, NAN, 1, 8, p), EncodeStatus::NotPositive);
  EXPECT_EQ(encodeAdd(AddPolicy::Tflite, 1, 1, INFINITY, 8, p), EncodeStatus::NotPositive);
}

TEST(Multiply, AnyPolicyIsARequantisedProduct) {
  std::mt19937 random(1);
  for (const char* name : kRequantPolicyNames) {
    RequantPolicy policy{};
    ASSERT_TRUE(parse(name, policy));
    if (policy == RequantPolicy::ShiftHalfUp) continue;
    Requant r;
    ASSERT_EQ(encodeRequant(policy, multiplyScale(policy, 0.02f, 0.03f, 0.04f), r), EncodeStatus::Ok);
    const double tolerance = policy == RequantPolicy::Multiplier8HalfUp ? 1.6 : 1.01;
    for (int i = 0; i < 2000; ++i) {
      const int32_t a = static_cast<int32_t>(random() % 256) - 128,
                    b = static_cast<int32_t>(random() % 256) - 128;
      const double real = (a - 5) * 0.02 * (b + 9) * 0.03 / 0.04;
      ASSERT_NEAR(multiplyQuantized(a, b, 5, -9, r, 0, -1000, 1000), real, tolerance) << name;
    }
  }
}

TEST(Average, IntegerRuleMatchesRationals) {
  for (int32_t count = 1; count <= 50; ++count)
    for (int32_t sum = -128 * count; sum <= 127 * count; sum += 1 + count / 8)
      ASSERT_EQ(averageInteger(sum, count, -128, 127), halfAway(sum, count)) << sum << '/' << count;
}

TEST(Affine, RangeIsCoveredAndZeroIsExact) {
  std::mt19937 random(2);
  const IntegerForm forms[] = {{-128, 127, 127}, {0, 255, 255}, {-32768, 32767, 32767}};
  for (const IntegerForm& form : forms)
    for (int i = 0; i < 2000; ++i) {
      const double a = std::ldexp(static_cast<double>(random()) - 2e9, -static_cast<int>(random() % 60));
      const double b = std::ldexp(static_cast<double>(random()) - 2e9, -static_cast<int>(random() % 60));
      const double min = std::fmin(a, b), max = std::fmax(a, b);
      const Affine affine = asymmetricAffine(min, max, form);
      ASSERT_EQ(dequantize(quantizeDivide(0, affine, form.low, form.high, Rounding::HalfEven), affine), 0.0f);
      const double lowest = dequantize(form.low, affine), highest = dequantize(form.high, affine);
      ASSERT_LE(lowest, std::fmin(min, 0.0) + 0.51 * affine.scale);
      ASSERT_GE(highest, std::fmax(max, 0.0) - 0.51 * affine.scale);
    }
  EXPECT_EQ(asymmetricAffine(NAN, NAN, forms[0]).scale, 1.0f);
  EXPECT_EQ(asymmetricAffine(-INFINITY, INFINITY, forms[0]).scale, 1.0f);
  EXPECT_EQ(asymmetricAffine(-1e-40, 1e-40, forms[0]).zeroPoint, -128);
  EXPECT_EQ(forms[0].bits(), 8);
  EXPECT_EQ(forms[1].bits(), 8);
  EXPECT_EQ((IntegerForm{-7, 7, 7}.bits()), 4);
  EXPECT_EQ((IntegerForm{0, 4095, 4095}.bits()), 12);
}

TEST(Bias, ThreePercentMayOverflow) {
  // At shift 8 and scale 0.04 a bias of 10 takes 64000.
  std::vector<float> bias(100, 1.0f);
  for (size_t i = 0; i < 3; ++i) bias[i] = 10;
  EXPECT_EQ(lowerShiftForBias(8, bias.data(), 100, 0.04f), 8);
  bias[3] = 10;
  EXPECT_EQ(lowerShiftForBias(8, bias.data(), 100, 0.04f), 7);
  const std::vector<float> huge(10, 1e9f);
  EXPECT_LT(lowerShiftForBias(8, huge.data(), 10, 0.04f), 0);
}

TEST(Bias, RaisedScaleHoldsTheBias) {
  const double scale = maxWeightScale(1e-9, 3.0, 0.01f, 127);
  EXPECT_LE(quantizeBias(3.0, 0.01f * scale, Rounding::HalfEven), (int64_t{1} << 30) + 100);
  const double m = qdmScale(1e-9, 3.0, 0.01f, 0.02f, 127);
  EXPECT_LE(quantizeBias(3.0, m * 0.02f, Rounding::HalfAway), INT32_MAX);
  Requant r;
  EXPECT_EQ(encodeRequant(RequantPolicy::QdmHalfAway, m, r), EncodeStatus::Ok);
  EXPECT_GE(r.shift, 0);
}

TEST(Softmax, FixedPointFunctionsAreAccurate) {
  for (int64_t a = 0; a > -(int64_t{31} << 26); a -= 9999991)
    ASSERT_NEAR(expNegativeQ5(static_cast<int32_t>(a)) / 2147483648.0,
                std::exp(std::ldexp(static_cast<double>(a), -26)), 3e-7);
  for (int64_t a = 0; a <= INT32_MAX; a += 7654321)
    ASSERT_NEAR(reciprocalOnePlusQ0(static_cast<int32_t>(a)) / 2147483648.0,
                1 / (1 + static_cast<double>(a) / 2147483648.0), 1e-7);
  EXPECT_EQ(expNegativeQ5(INT32_MIN), 0);
}

TEST(Softmax, WithinOneOfTheRealSoftmax) {
  std::mt19937 random(3);
  for (int round = 0; round < 400; ++round) {
    const float scale =
        std::ldexp(1.0f + static_cast<float>(random() % 1000) / 1000, -static_cast<int>(random() % 9));
    const size_t count = 1 + random() % 300, step = 1 + random() % 3;
    std::vector<uint8_t> x(count * step), y(count * step);
    for (uint8_t& value : x) value = static_cast<uint8_t>(random() % (1 + random() % 256));
    SoftmaxParameters p;
    ASSERT_EQ(encodeSoftmax(1.0, scale, p), EncodeStatus::Ok);
    const int64_t apart = static_cast<int64_t>(step);
    softmaxTflite(x.data(), apart, y.data(), apart, static_cast<int64_t>(count), p);
    double sum = 0;
    for (size_t i = 0; i < count; ++i) sum += std::exp((x[i * step] - 255.0) * scale);
    for (size_t i = 0; i < count; ++i) {
      const double real = std::fmin(255, 256 * std::exp((x[i * step] - 255.0) * scale) / sum);
      ASSERT_NEAR(y[i * step], real, 0.51) << "scale " << scale << " count " << count;
    }
  }
  SoftmaxParameters p;
  EXPECT_EQ(encodeSoftmax(0, 0.1f, p), EncodeStatus::NotPositive);
  EXPECT_EQ(encodeSoftmax(1, 1e-9f, p), EncodeStatus::TooSmall);
  EXPECT_EQ(encodeSoftmax(1, 1e9f, p), EncodeStatus::Ok);
}

TEST(Softmax, LongRowsSaturateQuietly) {
  std::vector<int8_t> x(100000, 5), y(x.size());
  SoftmaxParameters p;
  ASSERT_EQ(encodeSoftmax(1, 0.1f, p), EncodeStatus::Ok);
  softmaxTflite(x.data(), 1, y.data(), 1, static_cast<int64_t>(x.size()), p);
  EXPECT_EQ(y[0], -128);
  EXPECT_EQ(y[99999], -128);
}

TEST(Lut, EqualsTheFloatIsland) {
  const Affine from{0.07f, 12}, to{0.011f, -5};
  uint8_t table[256];
  const auto f = [](float x) { return x * x * 0.5f - x; };
  buildLut(f, from, false, to, -128, 127, Rounding::HalfAway, table);
  for (int32_t q = 0; q < 256; ++q)
    ASSERT_EQ(static_cast<int8_t>(table[q]),
              quantizeDivide(f(dequantize(q, from)), to, -128, 127, Rounding::HalfAway));
}

} // namespace
} // namespace burin::rt
