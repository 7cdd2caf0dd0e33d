#include "runtime/numerics/softmax.h"

#include "runtime/numerics/fixed_point.h"

namespace burin::rt {

using fixed::divideByPower, fixed::leadingZeros, fixed::multiply;

namespace {

// exp(a) for a in [-1/4, 0), Q0: the Taylor series of fourth order around -1/8.
int32_t expNearZero(int32_t a) {
  constexpr int32_t kExpMinusEighth = 1895147668; // exp(-1/8) * 2^31
  constexpr int32_t kThird = 715827883;           // 2^31 / 3
  const int32_t x = a + (1 << 28);
  const int32_t x2 = multiply(x, x), x3 = multiply(x2, x), x4 = multiply(x2, x2);
  const int32_t higher = divideByPower(multiply(divideByPower(x4, 2) + x3, kThird) + x2, 1);
  return kExpMinusEighth + multiply(kExpMinusEighth, x + higher);
}

} // namespace

int32_t expNegativeQ5(int32_t a) {
  // exp(-2^i) * 2^31 for i = -2..4: the bits of the whole quarters multiply in one by one.
  constexpr int32_t kPowers[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  if (a == 0) return INT32_MAX;
  constexpr int32_t kQuarter = 1 << 24;
  const int32_t fraction = (a & (kQuarter - 1)) - kQuarter; // in [-1/4, 0)
  const int32_t quarters = fraction - a;
  int32_t result = expNearZero(fraction * 32); // Q5 to Q0
  for (int i = 0; i < 7; ++i)
    if (quarters & kQuarter << i) result = multiply(result, kPowers[i]);
  return result;
}

int32_t reciprocalOnePlusQ0(int32_t a) {
  // Newton's iteration x += x (1 - d x) for 1 / d, d = (1 + a) / 2, from the linear start 48/17 - 32/17 d
  // (Q2).
  constexpr int32_t k48Over17 = 1515870810, kMinus32Over17 = -1010580540, kOneQ2 = 1 << 29;
  const int32_t half = static_cast<int32_t>((int64_t{a} + INT32_MAX + 1) / 2);
  int32_t x = k48Over17 + multiply(half, kMinus32Over17);
  for (int i = 0; i < 3; ++i) {
    const int32_t error = kOneQ2 - multiply(half, x);
    x += shiftLeftSaturated(multiply(x, error), 2);
  }
  return shiftLeftSaturated(x, 1); // 1 / (1 + a) is half of 1 / d; Q2 halved is Q1, and Q1 to Q0 doubles
}

EncodeStatus encodeSoftmax(double beta, float inputScale, SoftmaxParameters& parameters) {
  const double wanted = beta * inputScale * (1 << 26);
  const double real = wanted < 2147483647.0 ? wanted : 2147483647.0;
  if (!(beta > 0) || !(inputScale > 0)) return EncodeStatus::NotPositive;
  if (!(real > 1)) return EncodeStatus::TooSmall;
  Requant encoded;
  // The bound 2^31 - 1 may round up to 2^31: exponent 31 is beyond other uses of this encoding, so halve and
  // add.
  const EncodeStatus status = encodeRequant(RequantPolicy::Tflite, real / 4, encoded);
  if (status != EncodeStatus::Ok) return status;
  const int leftShift = 2 - encoded.shift;
  const int64_t least = -roundToInteger(scaleByPowerOfTwo(31, 26 - leftShift), Rounding::Down);
  parameters.least = saturate32(least);
  for (int32_t distance = 0; distance < 256; ++distance) {
    const int32_t difference = highMultiply(shiftLeftSaturated(-distance, leftShift), encoded.multiplier);
    parameters.difference[distance] = difference;
    parameters.exponential[distance] = -distance < least ? 0 : expNegativeQ5(difference);
  }
  return encodeRequant(RequantPolicy::Tflite,
                       scaleByPowerOfTwo(1, 31 - leftShift) / static_cast<double>(encoded.multiplier),
                       parameters.back);
}

namespace {
// The greatest value of a row, and the sum, Q12, of the exponentials of all values' distances to it.
struct Row {
  int32_t largest, sum;
};
template <class T>
Row readRow(const T* x, int64_t step, int64_t count, const SoftmaxParameters& p) {
  Row row{T(-1) < T(0) ? -128 : 0, 0};
  for (int64_t i = 0; i < count; ++i) row.largest = x[i * step] > row.largest ? x[i * step] : row.largest;
  for (int64_t i = 0; i < count; ++i)
    row.sum = saturate32(int64_t{row.sum} + divideByPower(p.exponential[row.largest - x[i * step]], 12));
  return row;
}
} // namespace

template <class T>
void softmaxTflite(const T* x, int64_t stepX, T* y, int64_t stepY, int64_t count,
                   const SoftmaxParameters& p) {
  constexpr int32_t low = T(-1) < T(0) ? -128 : 0;
  const auto [largest, sum] = readRow(x, stepX, count, p);
  // sum = (1 + fraction) * 2^integerBits: its reciprocal is that of 1 + fraction, shifted.
  const int zeros = leadingZeros(static_cast<uint32_t>(sum));
  const int integerBits = 12 - zeros;
  const int32_t fraction = static_cast<int32_t>((static_cast<uint32_t>(sum) << zeros) - 0x80000000u);
  const int32_t reciprocal = reciprocalOnePlusQ0(fraction);
  for (int64_t i = 0; i < count; ++i) {
    const int32_t scaled =
        divideByPower(multiply(reciprocal, p.exponential[largest - x[i * stepX]]), integerBits + 31 - 8);
    y[i * stepY] = static_cast<T>(saturate(scaled + low, low, low + 255));
  }
}

template <class T>
void logSoftmaxTflite(const T* x, int64_t stepX, T* y, int64_t stepY, int64_t count,
                      const SoftmaxParameters& p) {
  constexpr int32_t low = T(-1) < T(0) ? -128 : 0, high = low + 255;
  const auto [largest, sum] = readRow(x, stepX, count, p);
  const int32_t logarithm = fixed::logarithmQ12(sum);
  // What is so small that a Q5.26 could not hold it, or so far from the maximum that it was not counted.
  const int32_t bound = scaleHighMultiply(INT32_MIN + logarithm, p.back.multiplier, p.back.shift);
  const int32_t least = bound > p.least - 1 ? bound : p.least - 1;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t distance = largest - x[i * stepX];
    const int64_t real = int64_t{p.difference[distance]} - logarithm;
    y[i * stepY] = static_cast<T>(
        -distance > least ? saturate(divideByPower(saturate32(real), 22) + high, low, high) : low);
  }
}

template void softmaxTflite(const int8_t*, int64_t, int8_t*, int64_t, int64_t, const SoftmaxParameters&);
template void softmaxTflite(const uint8_t*, int64_t, uint8_t*, int64_t, int64_t, const SoftmaxParameters&);
template void logSoftmaxTflite(const int8_t*, int64_t, int8_t*, int64_t, int64_t, const SoftmaxParameters&);
template void logSoftmaxTflite(const uint8_t*, int64_t, uint8_t*, int64_t, int64_t, const SoftmaxParameters&);

EncodeStatus encodeSoftmax(double beta, float inputScale, Softmax16Parameters& p) {
  if (!(beta > 0) || !(inputScale > 0)) return EncodeStatus::NotPositive;
  Requant factor;
  const double steps = static_cast<double>(inputScale) * beta / (10.0 / 65535.0);
  const EncodeStatus status = encodeRequant(RequantPolicy::Tflite, steps, factor);
  if (status != EncodeStatus::Ok) return status;
  p.multiplier = factor.multiplier;
  p.shift = factor.shift;
  constexpr int kCount = Pieces16::kCount;
  double ends[kCount + 1], middles[kCount], power = 1;
  // exp(-10 k / 1024) by repeated products, the same on every machine.
  for (int k = 2 * kCount; k >= 0; --k, power *= 0.9902819038736084) (k % 2 ? middles : ends)[k / 2] = power;
  p.exponential.fill(ends, middles, 32768.0);
  for (int k = 0; k <= 2 * kCount; ++k) (k % 2 ? middles : ends)[k / 2] = 1 / (1 + k / 1024.0);
  p.reciprocal.fill(ends, middles, 32768.0);
  return EncodeStatus::Ok;
}

void softmaxTflite(const int16_t* x, int64_t stepX, int16_t* y, int64_t stepY, int64_t count,
                   const Softmax16Parameters& p) {
  int32_t largest = INT16_MIN;
  for (int64_t i = 0; i < count; ++i) largest = x[i * stepX] > largest ? x[i * stepX] : largest;
  const auto exponential = [&](int64_t i) {
    return p.exponential.at(int64_t{scaleHighMultiply(x[i * stepX] - largest, p.multiplier, p.shift)} +
                            INT16_MAX);
  };
  int64_t total = 0; // Q16.15
  for (int64_t i = 0; i < count; ++i) total += exponential(i);
  const int32_t sum = saturate32(total);
  // sum = (1 + fraction) * 2^(31 - zeros): its reciprocal is that of 1 + fraction, shifted.
  const int zeros = leadingZeros(static_cast<uint32_t>(sum));
  const int up = zeros > 1 ? zeros - 1 : 0; // a sum is not negative
  const int64_t fraction = (((int64_t{sum} << up) + (1 << 13)) >> 14) - (1 << 16);
  const int64_t reciprocal = p.reciprocal.at(fraction + INT16_MIN);
  for (int64_t i = 0; i < count; ++i)
    y[i * stepY] = static_cast<int16_t>(
        saturate(shiftRight(exponential(i) * reciprocal, 31 - zeros, Rounding::HalfUp), 0, INT16_MAX));
}

} // namespace burin::rt
