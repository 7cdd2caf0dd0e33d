#include "runtime/math/double_math.h"

#include "runtime/math/float_math.h"

namespace burin::rt::math {

namespace {
constexpr double kPi = 3.14159265358979323846;

double doubleOf(uint64_t bits) {
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
uint64_t bitsOf(double value) {
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
double powerOfTwo(int exponent) { return doubleOf(static_cast<uint64_t>(exponent + 1023) << 52); }
double magnitudeOf(double x) { return x < 0 ? -x : x; }

// To the nearest integer, |x| < 2^51.
double roundDouble(double x) {
  constexpr double kRounder = 6755399441055744.0; // 1.5 * 2^52
  return (x + kRounder) - kRounder;
}

// 1 / k!
constexpr double kInverseFactorial[] = {1.0,
                                        1.0,
                                        1.0 / 2,
                                        1.0 / 6,
                                        1.0 / 24,
                                        1.0 / 120,
                                        1.0 / 720,
                                        1.0 / 5040,
                                        1.0 / 40320,
                                        1.0 / 362880,
                                        1.0 / 3628800,
                                        1.0 / 39916800,
                                        1.0 / 479001600,
                                        1.0 / 6227020800,
                                        1.0 / 87178291200,
                                        1.0 / 1307674368000,
                                        1.0 / 20922789888000};

// exp(r) - 1, |r| <= 0.35: Taylor, the first term left out is 4e-18.
double expTail(double r) {
  double sum = kInverseFactorial[13];
  for (int k = 12; k >= 2; --k) sum = sum * r + kInverseFactorial[k];
  return r + r * r * sum;
}
} // namespace

double expDouble(double x) {
  if (x != x) return x;
  if (x < -700.0) return 0.0; // far below the smallest float
  if (x > 700.0) return static_cast<double>(kInfinity);
  const double count = roundDouble(x * 1.4426950408889634);
  const double r = (x - count * 0.6931471805582987) - count * 1.6465949582897082e-12;
  return (1.0 + expTail(r)) * powerOfTwo(static_cast<int>(count));
}

double expm1Double(double x) {
  if (magnitudeOf(x) < 0.35) return x == 0.0 ? x : expTail(x);
  return expDouble(x) - 1.0;
}

// log(2^e (1 + f)) = e ln 2 + 2 atanh(s), s = f / (2 + f), |s| <= 0.1716: the first term left out is 1e-18.
double logDouble(double x) {
  if (!(x > 0.0)) return x == 0.0 ? -static_cast<double>(kInfinity) : static_cast<double>(kNaN);
  if (x > 1.7e308) return x;
  const uint64_t shifted =
      bitsOf(x) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu); // carries from sqrt(1/2) on
  const double count = static_cast<double>(static_cast<int>(shifted >> 52) - 1023);
  const double f = doubleOf((shifted & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu) - 1.0;
  const double s = f / (2.0 + f), square = s * s;
  double sum = 0.0;
  for (int k = 21; k >= 3; k -= 2) sum = (sum + 1.0 / k) * square;
  return count * 0.6931471805582987 + (2.0 * (s + s * sum) + count * 1.6465949582897082e-12);
}

double log1pDouble(double x) {
  const double sum = 1.0 + x;
  if (sum == 1.0 || x > 1e300) return x;
  return logDouble(sum) + (x - (sum - 1.0)) / sum;
}

// atan(x) = 2 atan(x / (1 + sqrt(1 + x^2))), used twice, brings [0, 1] to [0, 0.199].
double atanDouble(double x) {
  if (x != x) return x;
  const double magnitude = magnitudeOf(x);
  double t = magnitude > 1.0 ? 1.0 / magnitude : magnitude;
  t = t / (1.0 + std::sqrt(1.0 + t * t));
  t = t / (1.0 + std::sqrt(1.0 + t * t));
  const double square = t * t;
  double sum = 0.0;
  for (int k = 21; k >= 3; k -= 2) sum = (1.0 / k - sum) * square;
  double angle = 4.0 * (t - t * sum);
  if (magnitude > 1.0) angle = kPi / 2 - angle;
  return x < 0 ? -angle : angle;
}

namespace {
// 1 for an odd integer, 0 for an even one, -1 for a fraction.
int parityOf(float y) {
  const float magnitude = absolute(y);
  if (magnitude >= 16777216.0f) return 0;
  const int integer = static_cast<int>(magnitude);
  if (static_cast<float>(integer) != magnitude) return -1;
  return integer & 1;
}

// x or y is zero or infinite, and neither x = 1 nor y = 0.
float powerAtEnds(float x, float y, int parity) {
  const float magnitude = absolute(x);
  if (magnitude == 1.0f) return 1.0f; // (-1)^(+-infinity)
  const bool grows = (magnitude > 1.0f) == (y > 0.0f);
  const float result = grows ? kInfinity : 0.0f;
  return parity == 1 ? copySign(result, x) : result;
}
} // namespace

float power(float x, float y) {
  if (y == 0.0f || x == 1.0f) return 1.0f;
  if (x != x || y != y) return kNaN;
  if (y == 2.0f) return x * x; // what kernels do for a whole tensor
  const float magnitude = absolute(x);
  const int parity = parityOf(y);
  if (magnitude == 0.0f || magnitude == kInfinity || absolute(y) == kInfinity)
    return powerAtEnds(x, y, parity);
  if (x < 0.0f && parity < 0) return kNaN;
  const float result = static_cast<float>(expDouble(static_cast<double>(y) * logDouble(magnitude)));
  return parity == 1 ? copySign(result, x) : result;
}

namespace {
struct Reduced {
  double rest;       // |rest| <= pi/4
  unsigned quadrant; // x = quadrant * pi/2 + rest (mod 2 pi)
};

// Payne and Hanek: of x * 2/pi = mantissa * 2^e * 2/pi only the bits of 2/pi from 4 * 2^-e down matter, since
// those above give multiples of 4 quadrants. 96 of them leave the fraction right to 2^-70.
Reduced reduceLarge(float magnitude) {
  static const uint32_t kTwoOverPi[] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                        0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};
  const uint32_t bits = math::bitsOf(magnitude);
  const uint64_t mantissa = (bits & 0x7fffffu) | 0x800000u;
  const int firstBit = static_cast<int>(bits >> 23) - 150 + 30;
  const int word = firstBit / 32, shift = firstBit % 32;
  auto window = [&](int i) {
    const uint64_t pair = (static_cast<uint64_t>(kTwoOverPi[word + i]) << 32) | kTwoOverPi[word + i + 1];
    return (pair << shift) >> 32;
  };
  const uint64_t low = mantissa * window(2);
  const uint64_t middle = mantissa * window(1) + (low >> 32);
  const uint64_t high = mantissa * window(0) + (middle >> 32);
  const uint64_t top = (high << 32) | (middle & 0xffffffffu); // mod 2^64: 2 bits of quadrant, 62 of fraction
  unsigned quadrant = static_cast<unsigned>(top >> 62);
  int64_t fraction = static_cast<int64_t>(top & 0x3fffffffffffffffu);
  if (fraction >= (int64_t{1} << 61)) {
    fraction -= int64_t{1} << 62;
    ++quadrant;
  }
  const double turns = static_cast<double>(fraction) * powerOfTwo(-62) +
                       static_cast<double>(low & 0xffffffffu) * powerOfTwo(-94);
  return {turns * (kPi / 2), quadrant};
}

Reduced reduceAngle(float x) {
  const float magnitude = absolute(x);
  Reduced reduced;
  if (magnitude >= 524288.0f) {
    reduced = reduceLarge(magnitude);
  } else {
    // Cody and Waite: pi/2 in three parts, the first two exact in multiples below 2^19.
    const double count = roundDouble(magnitude * (2.0 / kPi));
    reduced.rest = ((magnitude - count * 1.5707963267341256) - count * 6.077100506303966e-11) -
                   count * 2.0222662487959506e-21;
    reduced.quadrant = static_cast<unsigned>(count);
  }
  if (math::bitsOf(x) >> 31) { // -0 keeps its sign
    reduced.rest = -reduced.rest;
    reduced.quadrant = 0u - reduced.quadrant;
  }
  return reduced;
}

// Taylor on |r| <= pi/4: the first terms left out are below 1e-16.
double sineSeries(double r) {
  const double square = r * r;
  double sum = kInverseFactorial[15];
  for (int k = 13; k >= 3; k -= 2) sum = kInverseFactorial[k] - sum * square;
  return r * (1.0 - square * sum);
}
double cosineSeries(double r) {
  const double square = r * r;
  double sum = kInverseFactorial[16];
  for (int k = 14; k >= 0; k -= 2) sum = kInverseFactorial[k] - sum * square;
  return sum;
}

// sin(rest + quadrant * pi/2).
double sineOf(const Reduced& angle) {
  const double value = angle.quadrant & 1 ? cosineSeries(angle.rest) : sineSeries(angle.rest);
  return angle.quadrant & 2 ? -value : value;
}
bool isFinite(float x) { return absolute(x) < kInfinity; }
} // namespace

float sine(float x) { return isFinite(x) ? static_cast<float>(sineOf(reduceAngle(x))) : kNaN; }

float cosine(float x) {
  if (!isFinite(x)) return kNaN;
  Reduced angle = reduceAngle(x);
  ++angle.quadrant;
  return static_cast<float>(sineOf(angle));
}

float tangent(float x) {
  if (!isFinite(x)) return kNaN;
  const Reduced angle = reduceAngle(x);
  const double s = sineSeries(angle.rest), c = cosineSeries(angle.rest);
  return static_cast<float>(angle.quadrant & 1 ? -c / s : s / c);
}

// asin(x) = atan(x / sqrt(1 - x^2)).
float arcSine(float x) {
  const double d = x;
  if (!(absolute(x) <= 1.0f)) return kNaN;
  return static_cast<float>(atanDouble(d / std::sqrt((1.0 - d) * (1.0 + d))));
}

// acos(x) = 2 atan(sqrt((1 - x) / (1 + x))).
float arcCosine(float x) {
  const double d = x;
  if (!(absolute(x) <= 1.0f)) return kNaN;
  if (x == -1.0f) return static_cast<float>(kPi);
  return static_cast<float>(2.0 * atanDouble(std::sqrt((1.0 - d) / (1.0 + d))));
}

float arcTangent(float x) { return copySign(static_cast<float>(atanDouble(x)), x); }

float hyperbolicSine(float x) {
  const double m = expm1Double(atMost(absolute(x), 120.0f));
  return copySign(static_cast<float>(0.5 * (m + m / (m + 1.0))), x);
}
float hyperbolicCosine(float x) {
  const double e = expDouble(atMost(absolute(x), 120.0f));
  return static_cast<float>(0.5 * (e + 1.0 / e));
}

// asinh|x| = log1p(a + a^2 / (1 + sqrt(a^2 + 1))).
float inverseHyperbolicSine(float x) {
  const double a = absolute(x), square = a * a;
  if (absolute(x) == kInfinity) return x;
  return copySign(static_cast<float>(log1pDouble(a + square / (1.0 + std::sqrt(square + 1.0)))), x);
}

// acosh(1 + t) = log1p(t + sqrt(2t + t^2)).
float inverseHyperbolicCosine(float x) {
  if (!(x >= 1.0f)) return kNaN;
  if (x == kInfinity) return x;
  const double t = static_cast<double>(x) - 1.0;
  return static_cast<float>(log1pDouble(t + std::sqrt(2.0 * t + t * t)));
}

float inverseHyperbolicTangent(float x) {
  const double a = absolute(x);
  if (!(a <= 1.0)) return kNaN;
  if (a == 1.0) return copySign(kInfinity, x);
  return copySign(static_cast<float>(0.5 * log1pDouble(2.0 * a / (1.0 - a))), x);
}

float remainderOf(float x, float y) {
  const float a = absolute(x), b = absolute(y);
  if (!(a < kInfinity) || !(b > 0.0f)) return kNaN;
  if (a < b) return x;
  // a = mx * 2^ex and b = my * 2^ey with integers below 2^24, and ex >= ey because a >= b.
  auto split = [](float value, int& exponent) -> uint64_t {
    const uint32_t bits = math::bitsOf(value), biased = bits >> 23;
    exponent = static_cast<int>(biased ? biased : 1) - 150;
    return (bits & 0x7fffffu) | (biased ? 0x800000u : 0u);
  };
  int ex, ey;
  uint64_t mx = split(a, ex);
  const uint64_t my = split(b, ey);
  mx %= my;
  while (ex > ey && mx) {
    const int step = ex - ey < 40 ? ex - ey : 40;
    mx = (mx << step) % my;
    ex -= step;
  }
  return copySign(static_cast<float>(static_cast<double>(mx) * powerOfTwo(ey)), x);
}

} // namespace burin::rt::math
