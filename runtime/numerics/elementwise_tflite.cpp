#include "runtime/numerics/elementwise_tflite.h"

#include "runtime/numerics/elementwise.h"
#include "runtime/numerics/fixed_point.h"
#include "runtime/numerics/softmax.h"

namespace burin::rt {

namespace {

EncodeStatus encode(double scale, Requant& r) { return encodeRequant(RequantPolicy::Tflite, scale, r); }

EncodeStatus first(EncodeStatus a, EncodeStatus b) { return a != EncodeStatus::Ok ? a : b; }

} // namespace

EncodeStatus encodeCompareTflite(float scaleA, float scaleB, PairTflite& p) {
  return first(encode(static_cast<double>(scaleA), p.a), encode(static_cast<double>(scaleB), p.b));
}

EncodeStatus encodeSquaredDifferenceTflite(float scaleA, float scaleB, float scaleOut, PairTflite& p) {
  const double twice = 2.0 * static_cast<double>(scaleA > scaleB ? scaleA : scaleB);
  const EncodeStatus operands = first(encode(static_cast<double>(scaleA) / twice, p.a),
                                      encode(static_cast<double>(scaleB) / twice, p.b));
  // Each operand has 7 more bits, their square 14.
  return first(operands, encode(twice * twice / scaleByPowerOfTwo(static_cast<double>(scaleOut), 14), p.out));
}

EncodeStatus encodePreluTflite(float scaleX, float scaleSlope, float scaleOut, PairTflite& p) {
  return first(encode(static_cast<double>(scaleX / scaleOut), p.a),
               encode(multiplyScale(RequantPolicy::Tflite, scaleX, scaleSlope, scaleOut), p.out));
}

EncodeStatus encodeDivideTflite(float scaleA, float scaleB, float scaleOut, PairTflite& p) {
  const float divisor = scaleB * scaleOut;
  return encode(static_cast<double>(scaleA / divisor), p.out);
}

int32_t divideTflite(int32_t a, int32_t b, const PairTflite& p) {
  if (b == 0) return a > 0 ? INT32_MAX : a < 0 ? INT32_MIN : 0;
  if (b < 0) a = -a, b = -b;
  // b = (1 + rest) * 2^(31 - zeros); a is shifted to the top before it is multiplied.
  const int zeros = fixed::leadingZeros(static_cast<uint32_t>(b));
  const int32_t rest = static_cast<int32_t>((static_cast<uint32_t>(b) << zeros) - 0x80000000u);
  const int room = fixed::headroom(static_cast<uint32_t>(a < 0 ? ~a : a));
  const int32_t quotient = fixed::multiply(shiftLeftSaturated(a, room), reciprocalOnePlusQ0(rest));
  return fixed::scaleBy(quotient, {p.out.multiplier, p.out.shift + 31 - zeros + room});
}

} // namespace burin::rt
