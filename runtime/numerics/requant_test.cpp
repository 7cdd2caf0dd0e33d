// Each policy against an independent slow implementation in 128-bit rationals.
#include "runtime/numerics/registry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace burin::rt {
namespace {

using Wide = __int128;

// numerator / 2^shift (shift may be negative), rounded, by long division and comparison of doubled
// remainders.
Wide slowRound(Wide numerator, int shift, Rounding mode) {
  if (shift <= 0) return numerator * (Wide{1} << -shift);
  const Wide denominator = Wide{1} << shift;
  Wide floor = numerator / denominator;
  if (floor * denominator > numerator) --floor;
  const Wide rest = numerator - floor * denominator;
  if (rest == 0) return floor;
  const Wide twice = 2 * rest;
  switch (mode) {
  case Rounding::Down:
    return floor;
  case Rounding::Up:
    return floor + 1;
  case Rounding::TowardZero:
    return numerator < 0 ? floor + 1 : floor;
  case Rounding::HalfUp:
    return twice >= denominator ? floor + 1 : floor;
  case Rounding::HalfDown:
    return twice > denominator ? floor + 1 : floor;
  case Rounding::HalfAway:
    return numerator < 0 ? (twice > denominator ? floor + 1 : floor)
                         : (twice >= denominator ? floor + 1 : floor);
  case Rounding::HalfEven:
    if (twice == denominator) return floor % 2 == 0 ? floor : floor + 1;
    return twice > denominator ? floor + 1 : floor;
  }
  return 0;
}

int32_t clampWide(Wide value, int32_t low, int32_t high) {
  return value < low ? low : value > high ? high : static_cast<int32_t>(value);
}

constexpr Rounding kModes[] = {Rounding::HalfEven,   Rounding::HalfAway, Rounding::HalfUp, Rounding::HalfDown,
                               Rounding::TowardZero, Rounding::Down,     Rounding::Up};

TEST(Rounding, ShiftMatchesSlowForSmallValuesExhaustively) {
  for (Rounding mode : kModes)
    for (int shift = 0; shift <= 7; ++shift)
      for (int value = -1100; value <= 1100; ++value)
        ASSERT_EQ(shiftRight(value, shift, mode), static_cast<int64_t>(slowRound(value, shift, mode)))
            << value << " >> " << shift << ' ' << nameOf(mode);
}

TEST(Rounding, ShiftMatchesSlowForLargeValues) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 300000; ++i) {
    const int64_t value = static_cast<int64_t>(random()) >> (2 + random() % 60);
    const int shift = static_cast<int>(random() % 63);
    for (Rounding mode : kModes)
      ASSERT_EQ(shiftRight(value, shift, mode), static_cast<int64_t>(slowRound(value, shift, mode)))
          << value << " >> " << shift << ' ' << nameOf(mode);
  }
}

TEST(Rounding, DivideAgreesWithShiftAndWithReal) {
  for (Rounding mode : kModes)
    for (int64_t value = -700; value <= 700; ++value) {
      for (int shift = 0; shift <= 6; ++shift) {
        ASSERT_EQ(divideRounded(value, int64_t{1} << shift, mode), shiftRight(value, shift, mode));
        ASSERT_EQ(roundToInteger(std::ldexp(static_cast<double>(value), -shift), mode),
                  shiftRight(value, shift, mode));
      }
      for (int64_t denominator : {3, 5, 6, 7, 9, 49})
        // Multiples of 1/denominator are never within 1e-9 of a tie or integer without being one.
        ASSERT_EQ(divideRounded(value, denominator, mode),
                  roundToInteger(value % denominator == 0 || (2 * value) % denominator == 0
                                     ? std::round(2.0 * value / denominator) / 2
                                     : 1.0 * value / denominator,
                                 mode));
    }
}

TEST(Rounding, RealEdges) {
  EXPECT_EQ(roundToInteger(-0.49999999999999994, Rounding::HalfAway), 0);
  EXPECT_EQ(roundToInteger(0.49999999999999994, Rounding::HalfUp), 0);
  EXPECT_EQ(roundToInteger(-1e-300, Rounding::Down), -1);
  EXPECT_EQ(roundToInteger(1e-300, Rounding::Up), 1);
  EXPECT_EQ(roundToInteger(1e300, Rounding::HalfEven), int64_t{1} << 62);
  EXPECT_EQ(roundToInteger(-INFINITY, Rounding::HalfEven), -(int64_t{1} << 62));
  EXPECT_EQ(roundToInteger(NAN, Rounding::HalfEven), 0);
  EXPECT_EQ(roundClamped(NAN, -128, 127), -128);
  EXPECT_EQ(roundClamped(INFINITY, -128, 127), 127);
}

TEST(Rounding, ClampedMatchesGeneral) {
  for (int i = -200000; i <= 200000; ++i) {
    const float value = static_cast<float>(i) / 512.0f;
    ASSERT_EQ(roundClamped(value, -300, 255), saturate(roundToInteger(value, Rounding::HalfEven), -300, 255));
  }
}

// The documented formula of each integer policy on exact numbers.
int32_t slowRequant(int64_t accumulator, const Requant& r, bool wide, int32_t zeroPoint, int32_t low,
                    int32_t high) {
  const Wide product = Wide{accumulator} * r.multiplier;
  Wide scaled = 0;
  switch (r.policy) {
  case RequantPolicy::FloatHalfEven: {
    const float value = static_cast<float>(accumulator) * r.scale;
    scaled = static_cast<Wide>(std::nearbyint(std::fmin(std::fmax(value, -1e9f), 1e9f)));
    break;
  }
  case RequantPolicy::MultiplierShiftHalfUp:
  case RequantPolicy::Multiplier8HalfUp:
    scaled = slowRound(product, r.shift, Rounding::HalfUp);
    break;
  case RequantPolicy::ShiftHalfUp:
    scaled = slowRound(accumulator, r.shift, Rounding::HalfUp);
    break;
  case RequantPolicy::Tflite:
    if (wide) {
      const int64_t reduced = r.multiplier < 0x7FFF0000 ? (int64_t{r.multiplier} + 32768) / 65536 : 32767;
      scaled = slowRound(Wide{accumulator} * reduced, 15 + r.shift, Rounding::HalfUp);
      break;
    }
    [[fallthrough]];
  case RequantPolicy::QdmHalfAway: {
    Wide shifted = r.shift < 0 ? Wide{accumulator} * (Wide{1} << -r.shift) : Wide{accumulator};
    if (!wide) shifted = clampWide(shifted, INT32_MIN, INT32_MAX);
    const Wide high31 = slowRound(shifted * r.multiplier, 31, Rounding::HalfUp);
    scaled = slowRound(high31, r.shift < 0 ? 0 : r.shift, Rounding::HalfAway);
    break;
  }
  case RequantPolicy::Multiplier15HalfEven:
    scaled = slowRound(product, r.shift, Rounding::HalfEven);
    break;
  }
  return clampWide(scaled + zeroPoint, low, high);
}

constexpr RequantPolicy kPolicies[] = {
    RequantPolicy::FloatHalfEven,       RequantPolicy::MultiplierShiftHalfUp,
    RequantPolicy::Multiplier8HalfUp,   RequantPolicy::ShiftHalfUp,
    RequantPolicy::QdmHalfAway,         RequantPolicy::Tflite,
    RequantPolicy::Multiplier15HalfEven};

double randomScale(std::mt19937_64& random, RequantPolicy policy) {
  if (policy == RequantPolicy::ShiftHalfUp) return std::ldexp(1.0, -static_cast<int>(random() % 32));
  const double mantissa = 1.0 + static_cast<double>(random() % 1000003) / 1000003;
  return std::ldexp(mantissa, -static_cast<int>(random() % 26) + (random() % 8 == 0 ? 5 : -1));
}

TEST(Requant, Matches128BitRationals) {
  std::mt19937_64 random(2);
  for (RequantPolicy policy : kPolicies)
    for (int round = 0; round < 400; ++round) {
      Requant r;
      ASSERT_EQ(encodeRequant(policy, randomScale(random, policy), r), EncodeStatus::Ok);
      const int32_t zeroPoint = static_cast<int32_t>(random() % 256) - 128;
      for (int i = 0; i < 200; ++i) {
        const int32_t accumulator = static_cast<int32_t>(static_cast<uint32_t>(random())) >> (random() % 32);
        ASSERT_EQ(requantize(accumulator, r, zeroPoint, -128, 127),
                  slowRequant(accumulator, r, false, zeroPoint, -128, 127))
            << nameOf(policy) << ' ' << accumulator << " * " << r.multiplier << " >> " << r.shift;
        const int64_t wide = static_cast<int64_t>(random()) >> (17 + random() % 46);
        ASSERT_EQ(requantize(wide, r, zeroPoint, -32768, 32767),
                  slowRequant(wide, r, true, zeroPoint, -32768, 32767))
            << nameOf(policy) << ' ' << wide << " * " << r.multiplier << " >> " << r.shift;
      }
    }
}

TEST(Requant, TiesExhaustively) {
  for (RequantPolicy policy : kPolicies)
    for (int exponent = 0; exponent <= 6; ++exponent) {
      Requant r;
      ASSERT_EQ(encodeRequant(policy, std::ldexp(1.0, -exponent), r), EncodeStatus::Ok);
      for (int32_t accumulator = -2000; accumulator <= 2000; ++accumulator)
        ASSERT_EQ(requantize(accumulator, r, 3, -128, 127), slowRequant(accumulator, r, false, 3, -128, 127))
            << nameOf(policy) << ' ' << accumulator << " / 2^" << exponent;
    }
}

TEST(Requant, ExtremeAccumulatorsSaturate) {
  for (RequantPolicy policy : kPolicies) {
    Requant r;
    ASSERT_EQ(encodeRequant(policy, 1.0, r), EncodeStatus::Ok);
    EXPECT_EQ(requantize(INT32_MAX, r, -128, -128, 127), 127) << nameOf(policy);
    EXPECT_EQ(requantize(INT32_MIN, r, 127, -128, 127), -128) << nameOf(policy);
    EXPECT_EQ(requantize(INT64_MAX, r, 0, -32768, 32767), 32767) << nameOf(policy);
    EXPECT_EQ(requantize(INT64_MIN, r, 0, -32768, 32767), -32768) << nameOf(policy);
  }
}

TEST(Encode, ErrorOfEachMultiplierIsWithinItsWidth) {
  std::mt19937_64 random(3);
  for (RequantPolicy policy : kPolicies)
    for (int i = 0; i < 2000; ++i) {
      // Above 2^-16 every policy has its full multiplier width left.
      double scale = randomScale(random, policy);
      if (scale < 1.0 / 65536 && policy != RequantPolicy::ShiftHalfUp) scale *= 65536;
      Requant r;
      if (encodeRequant(policy, scale, r) != EncodeStatus::Ok) continue;
      const double tolerance = policy == RequantPolicy::Multiplier8HalfUp      ? 1.0 / 127
                               : policy == RequantPolicy::Multiplier15HalfEven ? 1.0 / 32767
                               : policy == RequantPolicy::FloatHalfEven        ? 1e-7
                               : policy == RequantPolicy::MultiplierShiftHalfUp
                                   ? std::fmax(1e-9, std::ldexp(1.0, -31) / scale)
                                   : 1e-9;
      ASSERT_NEAR(decodedScale(r) / scale, 1.0, tolerance) << nameOf(policy) << ' ' << scale;
    }
}

TEST(Encode, SearchFindsTheSmallestError) {
  for (double scale : {0.1, 0.7, 1.0 / 3, 3.14159, 100.0}) {
    Requant r;
    ASSERT_EQ(encodeRequant(RequantPolicy::Multiplier8HalfUp, scale, r), EncodeStatus::Ok);
    for (int shift = 0; shift <= 31; ++shift)
      for (int multiplier = 1; multiplier <= 127; ++multiplier)
        EXPECT_GE(std::fabs(std::ldexp(multiplier, -shift) - scale), std::fabs(decodedScale(r) - scale));
  }
}

TEST(Encode, RangesAndErrors) {
  struct Case {
    RequantPolicy policy;
    double scale;
    EncodeStatus status;
  };
  const Case cases[] = {
      {RequantPolicy::FloatHalfEven, 0, EncodeStatus::NotPositive},
      {RequantPolicy::Tflite, -1, EncodeStatus::NotPositive},
      {RequantPolicy::QdmHalfAway, NAN, EncodeStatus::NotPositive},
      {RequantPolicy::QdmHalfAway, INFINITY, EncodeStatus::NotPositive},
      {RequantPolicy::FloatHalfEven, 1e300, EncodeStatus::TooLarge},
      {RequantPolicy::FloatHalfEven, 1e-40, EncodeStatus::TooSmall},
      {RequantPolicy::MultiplierShiftHalfUp, 1e-12, EncodeStatus::TooSmall},
      {RequantPolicy::MultiplierShiftHalfUp, 1e30, EncodeStatus::TooLarge},
      {RequantPolicy::Multiplier8HalfUp, 127.4, EncodeStatus::Ok},
      {RequantPolicy::Multiplier8HalfUp, 127.5, EncodeStatus::TooLarge},
      {RequantPolicy::ShiftHalfUp, 0.3, EncodeStatus::NotPowerOfTwo},
      {RequantPolicy::ShiftHalfUp, 2, EncodeStatus::TooLarge},
      {RequantPolicy::ShiftHalfUp, 1.0 / 2147483648.0, EncodeStatus::Ok},
      {RequantPolicy::ShiftHalfUp, 0.5 / 2147483648.0, EncodeStatus::TooSmall},
      {RequantPolicy::QdmHalfAway, 1e-12, EncodeStatus::TooSmall},
      {RequantPolicy::Tflite, 1e-12, EncodeStatus::Ok},
      {RequantPolicy::Multiplier15HalfEven, 32767, EncodeStatus::Ok},
      {RequantPolicy::Multiplier15HalfEven, 32768, EncodeStatus::TooLarge},
      {RequantPolicy::Multiplier15HalfEven, 1e-10, EncodeStatus::TooSmall},
  };
  for (const Case& c : cases) {
    Requant r;
    EXPECT_EQ(encodeRequant(c.policy, c.scale, r), c.status) << nameOf(c.policy) << ' ' << c.scale;
  }
}

TEST(Registry, NamesRoundTrip) {
  for (RequantPolicy policy : kPolicies) {
    RequantPolicy parsed{};
    ASSERT_TRUE(parse(nameOf(policy), parsed));
    EXPECT_EQ(parsed, policy);
  }
  for (Rounding mode : kModes) {
    Rounding parsed{};
    ASSERT_TRUE(parse(nameOf(mode), parsed));
    EXPECT_EQ(parsed, mode);
  }
  Rounding ignored{};
  EXPECT_FALSE(parse("nearest", ignored));
}

} // namespace
} // namespace burin::rt
