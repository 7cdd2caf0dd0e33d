#include "runtime/numerics/fixed_point.h"

#include "runtime/numerics/softmax.h"

namespace burin::rt::fixed {

namespace {

int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }
int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

// Half the sum of two numbers of one form, half away.
int32_t halfSum(int32_t a, int32_t b) {
  return static_cast<int32_t>(shiftRight(int64_t{a} + b, 1, Rounding::HalfAway));
}

// log(r) + log(2) / 4 for r in [1/2, 1), as num / (1 + denominator): a rational approximation in
// q = 2 (r - 2^(-1/4)).
struct Quotient {
  int32_t numerator, denominator; // Q0, without the 1
};
Quotient logarithmQuotient(int32_t r) {
  constexpr int32_t kFourthRootOfHalf = 1805811301; // 2^(-1/4), all Q0
  constexpr int32_t kCubic = 117049297;             // 11/240 * 2^(1/4)
  constexpr int32_t kSquare = 127690142;            // 1/20 * 2^(1/4)
  constexpr int32_t kConstant = 1057819769;         // 2 * 2^(-1/4) - 2^(1/4)
  constexpr int32_t kLinear = 638450708;            // 1/4 * 2^(1/4)
  const int32_t p = halfSum(r, kFourthRootOfHalf), q = 2 * (r - kFourthRootOfHalf), q2 = multiply(q, q);
  return {multiply(q, r) + multiply(multiply(q, q2), kCubic),
          multiply(p, kConstant + q + multiply(kSquare, q2)) + multiply(kLinear, q)};
}

} // namespace

int32_t logarithmQ12(int32_t a) {
  constexpr int32_t kRootOfHalf = 1518500250, kLog2 = 1488522236; // Q0
  constexpr int32_t kQuarterQ6 = 1 << 23;
  constexpr int kWhole = 25; // of Q6
  // a = r * 2^power: r is the smaller of what a itself and a / sqrt(2) are scaled to, so that r stays within
  // a factor of sqrt(2).
  const int room = headroom(static_cast<uint32_t>(a)),
            roomOfRoot = headroom(static_cast<uint32_t>(multiply(a, kRootOfHalf)));
  const int32_t first = shiftLeftSaturated(multiply(shiftLeftSaturated(a, room), kRootOfHalf), 1),
                second = shiftLeftSaturated(a, roomOfRoot);
  const int32_t power =
      larger(saturate32(int64_t{shiftLeftSaturated(11 - room, kWhole)} + kQuarterQ6),
             saturate32(int64_t{shiftLeftSaturated(12 - roomOfRoot, kWhole)} - kQuarterQ6)); // Q6
  const Quotient rest = logarithmQuotient(smaller(first, second));
  const int32_t fraction = multiply(divideByPower(rest.numerator, 6), reciprocalOnePlusQ0(rest.denominator));
  return shiftLeftSaturated(int64_t{multiply(power, kLog2)} + fraction, 1);
}

Factor inverseSquareRoot(int32_t value) {
  if (value <= 1) return {INT32_MAX, 0};
  int shift = 11;
  for (; value >= 1 << 29; ++shift) value /= 4;
  for (; value < 1 << 27; --shift) value *= 4;
  // Newton's iteration x += x (1 - v x^2) / 2 in Q3, v = value / 2^29 in [1/4, 1), from x = 1.
  constexpr int32_t kOne = 1 << 28, kThreeHalves = kOne + kOne / 2, kRootOfHalf = 1518500250;
  const int32_t half = divideByPower(value >> 1, 1);
  int32_t x = kOne;
  for (int i = 0; i < 5; ++i) {
    const int32_t cube = shiftLeftSaturated(multiply(multiply(x, x), x), 6);
    x = shiftLeftSaturated(multiply(kThreeHalves, x) - multiply(half, cube), 3);
  }
  x = multiply(x, kRootOfHalf);
  for (; shift < 0; ++shift) x *= 2;
  return {x, shift};
}

} // namespace burin::rt::fixed
