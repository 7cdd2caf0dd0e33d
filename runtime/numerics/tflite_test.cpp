// TensorFlow Lite's tables, means and resampling against real arithmetic: fixed point is near it, and exact
// where nothing is rounded.
#include "runtime/numerics/elementwise_tflite.h"
#include "runtime/numerics/fixed_point.h"
#include "runtime/numerics/normalize_tflite.h"
#include "runtime/numerics/pool.h"
#include "runtime/numerics/recurrent_tflite.h"
#include "runtime/numerics/resize_tflite.h"
#include "runtime/numerics/softmax.h"
#include "runtime/numerics/table_tflite.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace burin::rt {
namespace {

double realOf(int32_t q, const Affine& a) { return (q - a.zeroPoint) * static_cast<double>(a.scale); }
double storedOf(double x, const TableScales& s) {
  return std::clamp(x / s.to.scale + s.to.zeroPoint, static_cast<double>(s.low), static_cast<double>(s.high));
}

// A shift after the high multiplication rounds a second time.
constexpr double kTwice = 0.76;

TEST(TableTflite, NearTheRealFunctions) {
  const TableScales signedScales{{0.071f, 13}, {0.053f, -20}, -128, 127},
      unsignedScales{{0.071f, 120}, {0.053f, 99}, 0, 255};
  for (const TableScales& s : {signedScales, unsignedScales})
    for (int32_t q = s.low; q <= s.high; ++q) {
      const double x = realOf(q, s.from);
      EXPECT_NEAR(clipTflite(q, s.low, s.high, s), storedOf(x, s), 0.51) << q;
      EXPECT_NEAR(absoluteTflite(q, s), storedOf(std::fabs(x), s), 0.51) << q;
      EXPECT_NEAR(leakyReluTflite(q, 0.2f, s), storedOf(x < 0 ? 0.2f * x : x, s), kTwice) << q;
      EXPECT_NEAR(leakyReluTflite(q, -0.2f, s), storedOf(x < 0 ? -0.2f * x : x, s), kTwice) << q;
      EXPECT_NEAR(preluTflite(q, -37, 0.01f, s), storedOf(x < 0 ? -0.37 * x : x, s), kTwice) << q;
      const double swish = x * std::clamp(x + 3, 0.0, 6.0) / 6;
      EXPECT_NEAR(hardSwishTflite(q, s), storedOf(swish, s), 0.6) << q;
    }
}

TEST(TableTflite, RootsNearTheRealOnes) {
  const TableScales s{{0.071f, -120}, {0.053f, -20}, -128, 127};
  for (int32_t q = -128; q < 128; ++q) {
    const double x = realOf(q, s.from);
    if (x < 0) {
      EXPECT_EQ(rootTflite(q, s), -128);
      EXPECT_EQ(inverseRootTflite(q, s), -128);
      continue;
    }
    EXPECT_NEAR(rootTflite(q, s), storedOf(std::sqrt(x), s) - 0.5, 0.51) << q;
    EXPECT_NEAR(inverseRootTflite(q, s), storedOf(1 / std::sqrt(x), s), 0.51) << q;
  }
}

TEST(TableTflite, EqualScalesChangeNothing) {
  const TableScales s{{0.03f, 7}, {0.03f, 7}, -128, 127};
  for (int32_t q = -128; q < 128; ++q) {
    EXPECT_EQ(clipTflite(q, -128, 127, s), q);
    EXPECT_EQ(clipTflite(q, 7, 50, s), std::clamp(q, 7, 50));
    EXPECT_EQ(leakyReluTflite(q, 1.0f, s), q);
    EXPECT_EQ(leakyReluTflite(q, 0.0f, s), std::max(q, 7));
  }
}

TEST(TableTflite, AnyScalesAreSafe) {
  for (float from : {1e-30f, 1e-6f, 1.0f, 1e6f, 1e30f})
    for (float to : {1e-30f, 1e-6f, 1.0f, 1e6f, 1e30f})
      for (int32_t q : {-128, -1, 0, 1, 127}) {
        const TableScales s{{from, 0}, {to, 0}, -128, 127};
        for (int32_t r : {clipTflite(q, -128, 127, s), absoluteTflite(q, s), leakyReluTflite(q, 1e20f, s),
                          preluTflite(q, 255, 1e10f, s), hardSwishTflite(q, s), rootTflite(q, s),
                          inverseRootTflite(q, s)}) {
          EXPECT_GE(r, -128);
          EXPECT_LE(r, 127);
        }
      }
}

TEST(SigmoidTflite, NearTheRealFunctions) {
  for (const bool tanh : {false, true})
    for (float scale : {0x1p-12f, 0x1p-11f, 0.00003f, 0.0007f, 0.01f, 2.6f}) {
      Sigmoid16 sigmoid;
      ASSERT_TRUE(sigmoid.encode(scale, tanh));
      for (int32_t q = INT16_MIN; q <= INT16_MAX; ++q) {
        const double x = q * static_cast<double>(scale);
        const double real = tanh ? std::tanh(x) : 1 / (1 + std::exp(-x));
        ASSERT_NEAR(sigmoid(q) / 32768.0, real, 4e-4) << scale << " " << q;
        ASSERT_TRUE(sigmoid(q) <= INT16_MAX && sigmoid(q) >= (tanh ? INT16_MIN : 0));
      }
    }
}

TEST(SigmoidTflite, RefusesScalesItCannotCount) {
  Sigmoid16 sigmoid;
  for (float scale : {0.0f, -1.0f, 2.7f, INFINITY, NAN}) EXPECT_FALSE(sigmoid.encode(scale, true)) << scale;
  ASSERT_TRUE(sigmoid.encode(1e-30f, false));
  EXPECT_EQ(sigmoid(INT16_MAX), 16384);
}

TEST(PairTflite, NearTheRealFunctions) {
  const float scaleA = 0.071f, scaleB = 0.053f;
  PairTflite difference, quotient, slope, compared;
  ASSERT_EQ(encodeSquaredDifferenceTflite(scaleA, scaleB, 0.9f, difference), EncodeStatus::Ok);
  ASSERT_EQ(encodeDivideTflite(scaleA, scaleB, 0.09f, quotient), EncodeStatus::Ok);
  ASSERT_EQ(encodePreluTflite(scaleA, scaleB, 0.3f, slope), EncodeStatus::Ok);
  ASSERT_EQ(encodeCompareTflite(scaleA, scaleB, compared), EncodeStatus::Ok);
  for (int32_t a = -255; a < 256; a += 3)
    for (int32_t b = -255; b < 256; ++b) {
      const double x = a * static_cast<double>(scaleA), y = b * static_cast<double>(scaleB);
      ASSERT_NEAR(squaredDifferenceTflite(a, b, difference), (x - y) * (x - y) / 0.9, kTwice + 0.2) << a;
      if (b) ASSERT_NEAR(divideTflite(a, b, quotient), x / y / 0.09, 0.51) << a << " / " << b;
      ASSERT_NEAR(preluTflite(a, b, slope), (a >= 0 ? x : x * y) / 0.3, kTwice) << a;
      ASSERT_NEAR(comparedTflite(a, compared.a), 256 * x, 0.6);
      ASSERT_NEAR(comparedTflite(b, compared.b), 256 * y, 0.6);
    }
}

TEST(PairTflite, AnyScalesAreSafe) {
  for (float scaleA : {1e-30f, 1e-6f, 1.0f, 1e6f})
    for (float scaleB : {1e-30f, 1e-6f, 1.0f, 1e6f})
      for (float out : {1e-30f, 1e-6f, 1.0f, 1e6f})
        for (int32_t a : {-255, -1, 0, 1, 255})
          for (int32_t b : {-255, -1, 0, 1, 255}) {
            PairTflite p;
            if (encodeSquaredDifferenceTflite(scaleA, scaleB, out, p) == EncodeStatus::Ok)
              EXPECT_GE(squaredDifferenceTflite(a, b, p), 0);
            if (encodeDivideTflite(scaleA, scaleB, out, p) == EncodeStatus::Ok && a == 0)
              EXPECT_EQ(divideTflite(a, b, p), 0);
            if (encodePreluTflite(scaleA, scaleB, out, p) == EncodeStatus::Ok && a >= 0)
              EXPECT_GE(preluTflite(a, b, p), 0);
            if (encodeCompareTflite(scaleA, scaleB, p) == EncodeStatus::Ok && a >= 0)
              EXPECT_GE(comparedTflite(a, p.a), 0);
          }
}

TEST(FixedPoint, LogarithmsAndRootsAreNearTheRealOnes) {
  std::mt19937 random(9);
  for (int round = 0; round < 20000; ++round) {
    const int32_t a = (1 << 19) + static_cast<int32_t>(random() % ((1u << 31) - (1u << 19)));
    ASSERT_NEAR(fixed::logarithmQ12(a) / 67108864.0, std::log(a / 524288.0), 1e-7) << a;
    const int32_t v = 2 + static_cast<int32_t>(random() >> (1 + random() % 30));
    const fixed::Factor f = fixed::inverseSquareRoot(v);
    ASSERT_NEAR(std::ldexp(f.multiplier, -31 - f.shift) * std::sqrt(v), 1, 2e-3) << v;
  }
}

template <class T>
void checkRows(int32_t low) {
  std::mt19937 random(3);
  SoftmaxParameters p;
  ASSERT_EQ(encodeSoftmax(1, 0.07f, p), EncodeStatus::Ok);
  for (int64_t count : {1, 2, 17, 300}) {
    std::vector<T> x(static_cast<size_t>(count)), y(x.size()), z(x.size());
    for (T& v : x) v = static_cast<T>(low + static_cast<int32_t>(random() % 256));
    const int32_t zero = low + 131;
    l2NormalizeTflite(x.data(), 1, y.data(), 1, count, zero);
    logSoftmaxTflite(x.data(), 1, z.data(), 1, count, p);
    double squares = 0, exponentials = 0;
    for (T v : x) squares += (v - zero) * (v - zero), exponentials += std::exp(0.07 * (v - zero));
    for (size_t i = 0; i < x.size(); ++i) {
      const double unit = (x[i] - zero) / std::sqrt(std::max(squares, 1.0)),
                   logarithm = 0.07 * (x[i] - zero) - std::log(exponentials);
      EXPECT_NEAR(y[i] - low, std::clamp(128 * unit + 128, 0.0, 255.0), 0.76);
      EXPECT_NEAR(z[i] - low, std::clamp(16 * logarithm + 255, 0.0, 255.0), 0.51);
    }
  }
}
TEST(RowsTflite, NearTheRealFunctions) {
  checkRows<int8_t>(-128);
  checkRows<uint8_t>(0);
}

TEST(MeanTflite, NearTheRealMean) {
  std::mt19937 random(5);
  for (int round = 0; round < 20000; ++round) {
    const int32_t count = 1 + static_cast<int32_t>(random() % 5000);
    const int32_t sum = static_cast<int32_t>(random() % 200001) - 100000;
    const float from = std::ldexp(1.0f + static_cast<float>(random() % 999) / 999, -6), to = 0.02f;
    Requant r;
    ASSERT_EQ(encodeAverage(RequantPolicy::Tflite, from, to, count, r), EncodeStatus::Ok);
    const double real = static_cast<double>(sum) * from / to / count;
    ASSERT_NEAR(static_cast<double>(scaleAccumulator<RequantPolicy::Tflite>(sum, r)), real, kTwice) << count;
  }
}

TEST(ResizeTflite, NearTheRealInterpolation) {
  for (ResizeGrid grid : {ResizeGrid::Asymmetric, ResizeGrid::HalfPixel, ResizeGrid::AlignCorners})
    for (int64_t input : {1, 2, 7, 65})
      for (int64_t output : {1, 2, 3, 7, 20, 513})
        for (int64_t place = 0; place < output; ++place) {
          const auto exact = resizeNeighboursFloat(grid, input, output, place);
          const auto coarse = resizeNeighboursInteger(grid, input, output, place);
          for (int64_t at : {exact.low, exact.high, coarse.low, coarse.high}) {
            ASSERT_GE(at, 0);
            ASSERT_LT(at, input);
          }
          const double fine = std::clamp<double>(exact.low + exact.weight, 0, input - 1.0);
          ASSERT_NEAR(coarse.low + coarse.weight / 1024.0, fine,
                      0.5 * static_cast<double>(output) / 1024 + 0.01);
          ASSERT_GE(coarse.weight, 0);
          ASSERT_LE(coarse.weight, 1024);
        }
}

TEST(ResizeTflite, EqualCornersStay) {
  for (int32_t q = 0; q < 256; ++q)
    for (int32_t weight : {0, 1, 341, 512, 1023}) {
      const int8_t s = static_cast<int8_t>(q - 128);
      const uint8_t u = static_cast<uint8_t>(q);
      const int16_t w = static_cast<int16_t>(s * 256 + 255);
      EXPECT_EQ(resizeTflite({s, s, s, s}, weight, 1024 - weight), s);
      EXPECT_EQ(resizeTflite({w, w, w, w}, weight, 1024 - weight), w);
      EXPECT_EQ(resizeTflite({u, u, u, u}, static_cast<float>(weight) / 1024, 0.37f), u);
    }
}

TEST(RecurrentTflite, FunctionsAreNearTheRealOnes) {
  for (int32_t a = INT16_MIN; a <= INT16_MAX; ++a) {
    EXPECT_NEAR(sigmoidQ3(a), 32768 / (1 + std::exp(-a / 4096.0)), 7) << a;
    for (int bits = 0; bits <= 6; ++bits)
      EXPECT_NEAR(tanhQ(a, bits), 32768 * std::tanh(std::ldexp(a, bits - 15)), 13) << a << ' ' << bits;
  }
}

TEST(RecurrentTflite, CellScalesArePowersOfTwo) {
  LstmCell cell;
  for (int exponent = -15; exponent <= -9; ++exponent) {
    EXPECT_TRUE(encodeLstmCell(std::ldexp(1.0f, exponent), 10, cell));
    EXPECT_EQ(cell.exponent, exponent);
    EXPECT_EQ(cell.clip, std::min<double>(std::ldexp(10, -exponent), 32767));
  }
  EXPECT_TRUE(encodeLstmCell(0x1p-11f, -1, cell));
  EXPECT_EQ(cell.clip, 0);
  for (float scale : {0x1p-16f, 0x1p-8f, 0.001f, 0.0f, -0x1p-11f, NAN})
    EXPECT_FALSE(encodeLstmCell(scale, 0, cell)) << scale;
}

} // namespace
} // namespace burin::rt
