#include "runtime/numerics/recurrent_tflite.h"

#include "runtime/numerics/fixed16.h"

namespace burin::rt {

namespace {
constexpr int32_t kOne = INT16_MAX; // of Q0

int32_t divideByPower(int64_t a, int exponent) {
  return static_cast<int32_t>(shiftRight(a, exponent, Rounding::HalfAway));
}

// exp(a) for a in [-1/4, 0), Q0: the Taylor series of fourth order around -1/8.
int32_t expNearZero(int32_t a) {
  constexpr int32_t kExpMinusEighth = 28918, kThird = 10923; // of 2^15
  const int32_t x = a + (1 << 12);
  const int32_t x2 = multiply16(x, x), x3 = multiply16(x2, x), x4 = multiply16(x2, x2);
  const int32_t higher = divideByPower(multiply16(divideByPower(x4, 2) + x3, kThird) + x2, 1);
  return saturate16(kExpMinusEighth + multiply16(kExpMinusEighth, x + higher));
}

// exp(a) for a <= 0 with 1 to 7 integer bits, Q0: the bits of the whole quarters multiply in one by one.
int32_t expNegative(int32_t a, int integerBits) {
  constexpr int32_t kPowers[] = {25520, 19875, 12055, 4435, 600, 11, 0}; // exp(-2^i) * 2^15 for i = -2..4
  const int fraction = 15 - integerBits;
  if (a == 0) return kOne;
  if (integerBits > 5 && a < -(32 << fraction)) return 0;
  const int32_t quarter = 1 << (fraction - 2);
  const int32_t rest = (a & (quarter - 1)) - quarter;
  int32_t result = expNearZero(shiftLeft16(rest, integerBits));
  for (int i = 0; i < 7 && integerBits > i - 2; ++i)
    if ((rest - a) & quarter << i) result = multiply16(result, kPowers[i]);
  return result;
}

// 2 / (1 + a) for a in [0, 1), Q2, by three Newton steps from the linear start 48/17 - 32/17 d, d = (1 + a)
// / 2.
int32_t reciprocal(int32_t a) {
  constexpr int32_t k48Over17 = 23130, kMinus32Over17 = -15420, kOneQ2 = 1 << 13;
  const int32_t half = (a + kOne + 1) / 2;
  int32_t x = k48Over17 + multiply16(half, kMinus32Over17);
  for (int i = 0; i < 3; ++i) x += shiftLeft16(multiply16(x, kOneQ2 - multiply16(half, x)), 2);
  return x;
}
} // namespace

EncodeStatus encodeRecurrent(float a, float b, float result, Requant& requant) {
  const float product = a * b, scale = product / result;
  return encodeRequant(RequantPolicy::Tflite, static_cast<double>(scale), requant);
}

int32_t sigmoidQ3(int32_t a) {
  if (a == 0) return 1 << 14;
  // Half of the reciprocal in Q2 is 1 / (1 + exp) in Q1 by its bits, and Q1 to Q0 doubles.
  const int32_t ofPositive = shiftLeft16(reciprocal(expNegative(a < 0 ? a : -a, 3)), 1);
  return a < 0 ? kOne - ofPositive : ofPositive;
}

int32_t tanhQ(int32_t a, int integerBits) {
  if (a == 0) return 0;
  // exp(-2 |a|): twice a number has the same bits with one integer bit more.
  const int32_t exponential = expNegative(a < 0 ? a : -a, integerBits + 1);
  const int32_t ofPositive = shiftLeft16(reciprocal(exponential) - (1 << 13), 2);
  return a < 0 ? -ofPositive : ofPositive;
}

int32_t LstmCell::next(int32_t cell, int32_t forget, int32_t input, int32_t candidate) const {
  const int32_t sum = saturate16(int64_t{divideByPower(int64_t{forget} * cell, 15)} +
                                 divideByPower(int64_t{input} * candidate, 30 + exponent));
  return clip > 0 ? static_cast<int32_t>(saturate(sum, -clip, clip)) : sum;
}

bool encodeLstmCell(float scale, float clip, LstmCell& cell) {
  cell.clip = 0;
  for (cell.exponent = -15; cell.exponent <= -9; ++cell.exponent)
    if (static_cast<double>(scale) == scaleByPowerOfTwo(1, cell.exponent)) {
      if (clip > 0)
        cell.clip = saturate16(roundToInteger(static_cast<double>(clip / scale), Rounding::TowardZero));
      return true;
    }
  return false;
}

} // namespace burin::rt
