#include "runtime/numerics/table_tflite.h"

#include "runtime/numerics/fixed16.h"
#include "runtime/numerics/fixed_point.h"

#include <cmath>

namespace burin::rt {

namespace {

int32_t stored(int64_t value, const TableScales& s) {
  return static_cast<int32_t>(saturate(value + s.to.zeroPoint, s.low, s.high));
}

// value * factor by a Q31 multiplier. A factor may be negative (a slope) or 0; one too large to encode
// saturates whatever it multiplies.
int64_t scaled(int32_t value, double factor) {
  Requant r;
  if (value == 0 || !(std::fabs(factor) > 0)) return 0;
  if (encodeRequant(RequantPolicy::Tflite, std::fabs(factor), r) != EncodeStatus::Ok)
    return (value < 0) == (factor < 0) ? INT32_MAX : INT32_MIN;
  return scaleHighMultiply(value, factor < 0 ? -r.multiplier : r.multiplier, r.shift);
}

// The quotient of two scales is a float32.
double ratio(float from, float to) { return static_cast<double>(from / to); }

// A Q31 multiplier cut to 15 bits, and a shift that counts to the left.
struct ShortFactor {
  int32_t multiplier = 0;
  int left = 0;
};
ShortFactor shortFactor(float factor) {
  Requant r;
  if (encodeRequant(RequantPolicy::Tflite, static_cast<double>(factor), r) != EncodeStatus::Ok) return {};
  const int64_t rounded = (int64_t{r.multiplier} + (1 << 15)) >> 16;
  return {static_cast<int32_t>(rounded < INT16_MAX ? rounded : INT16_MAX), -r.shift};
}

int32_t shiftRight16(int32_t value, int shift) {
  return static_cast<int32_t>(shiftRight(value, shift < 62 ? shift : 62, Rounding::HalfAway));
}

} // namespace

int32_t clipTflite(int32_t q, int32_t lowest, int32_t highest, const TableScales& s) {
  const int64_t value = scaled(q - s.from.zeroPoint, ratio(s.from.scale, s.to.scale)) + s.to.zeroPoint;
  return static_cast<int32_t>(saturate(value, lowest, highest));
}

int32_t absoluteTflite(int32_t q, const TableScales& s) {
  const int32_t value = q < s.from.zeroPoint ? s.from.zeroPoint - q : q - s.from.zeroPoint;
  return stored(scaled(value, ratio(s.from.scale, s.to.scale)), s);
}

int32_t leakyReluTflite(int32_t q, float alpha, const TableScales& s) {
  const int32_t value = q - s.from.zeroPoint;
  const float slope = s.from.scale * alpha;
  return stored(
      scaled(value, value >= 0 ? ratio(s.from.scale, s.to.scale) : static_cast<double>(slope / s.to.scale)),
      s);
}

int32_t preluTflite(int32_t q, int32_t alpha, float alphaScale, const TableScales& s) {
  const int32_t value = q - s.from.zeroPoint;
  if (value >= 0) return stored(scaled(value, ratio(s.from.scale, s.to.scale)), s);
  const float slope = s.from.scale * alphaScale;
  return stored(scaled(value * alpha, static_cast<double>(slope / s.to.scale)), s);
}

int32_t inverseRootTflite(int32_t q, const TableScales& s) {
  const int32_t value = q - s.from.zeroPoint;
  if (value <= 0) return value < 0 ? s.low : s.high;
  constexpr int kBits = 20; // of the root before it takes the result's scale
  const fixed::Factor root = fixed::inverseSquareRoot(value);
  const float scale = std::sqrt(s.from.scale) * s.to.scale;
  Requant r;
  if (encodeRequant(RequantPolicy::Tflite, 1.0 / static_cast<double>(scale), r) != EncodeStatus::Ok)
    return s.high;
  const int32_t fine = fixed::scaleBy(1, {root.multiplier, root.shift - kBits});
  return stored(fixed::scaleBy(fine, {r.multiplier, r.shift + kBits}), s);
}

int32_t rootTflite(int32_t q, const TableScales& s) {
  if (q < s.from.zeroPoint) return s.low;
  const float root = std::sqrt(s.from.scale * static_cast<float>(q - s.from.zeroPoint));
  return stored(roundToInteger(static_cast<double>(root / s.to.scale), Rounding::TowardZero), s);
}

int32_t joinedTflite(int32_t q, const TableScales& s) {
  const float factor = s.from.scale * (1.0f / s.to.scale);
  const float product = static_cast<float>(q) * factor,
              offset = static_cast<float>(-s.from.zeroPoint) * factor;
  return stored(roundToInteger(static_cast<double>(product + offset), Rounding::HalfAway), s);
}

int32_t hardSwishTflite(int32_t q, const TableScales& s) {
  const float fineScale = (1.0f / 128.0f) * s.from.scale; // 7 bits more than the operand
  const ShortFactor line = shortFactor(fineScale / s.to.scale),
                    unit = shortFactor(fineScale / (3.0f / 32768.0f));
  const int32_t fine = saturate16(int64_t{q - s.from.zeroPoint} * 128);
  const int32_t value = multiply16(fine, line.multiplier); // in the result's scale but for line.left
  // x / 3 as a Q0.15 that saturates at -1 and 1, then (x + 3) / 6. The last bit of a left shift comes after
  // the multiplication, so that saturating costs no accuracy below 1.
  int32_t ramp = unit.left > 0 ? shiftLeft16(fine, unit.left - 1) : fine;
  ramp = multiply16(ramp, unit.multiplier);
  ramp = unit.left > 0 ? shiftLeft16(ramp, 1) : shiftRight16(ramp, -unit.left);
  ramp = (ramp + (1 << 15)) >> 1;
  const int32_t product = saturate16(int64_t{ramp} * value / (1 << 15));
  return stored(line.left > 0 ? shiftLeft16(product, line.left) : shiftRight16(product, -line.left), s);
}

bool Sigmoid16::encode(float scale, bool tanh) {
  constexpr double kUnits = 3 * 4096; // of x in the table's argument: 512 a step
  if (!(scale > 0 && scale * kUnits <= INT16_MAX)) return false;
  tanh_ = tanh;
  shift_ = 0;
  double multiplier = scale * kUnits;
  // Scales within a thousandth of an octave of 2^-12, and of 2^-11 for tanh, are taken for that power.
  const auto isNear = [&](float power) {
    constexpr double kThousandth = 1.000693387462581; // 2^0.001
    return scale > power / kThousandth && scale < power * kThousandth;
  };
  if (isNear(0x1p-12f) || (tanh && isNear(0x1p-11f))) {
    multiplier_ = isNear(0x1p-12f) ? 3 : 6;
  } else {
    for (; multiplier <= 32767.0 / 2 && shift_ <= 30; ++shift_) multiplier *= 2;
    multiplier_ = static_cast<int32_t>(multiplier);
  }
  // Straight lines between the entries err most in the middle; half of that is taken off the entry. The
  // argument falls by e^(-1/48) at every half step.
  const double fall = 0.9793821813312401; // exp(-1/48)
  double decay = 1;
  const auto at = [](double d) { return 65536 / (1 + d); };
  for (uint32_t& entry : table_) {
    const double here = at(decay), middle = at(decay * fall), next = at(decay * fall * fall);
    entry = static_cast<uint32_t>(roundToInteger(here - ((here + next) / 2 - middle) / 2, Rounding::HalfUp));
    decay *= fall * fall;
  }
  table_[255] = UINT16_MAX;
  return true;
}

int32_t Sigmoid16::operator()(int32_t q) const {
  const int64_t half = shift_ > 0 ? int64_t{1} << (shift_ - 1) : 0;
  const int32_t x = static_cast<int32_t>((int64_t{q} * multiplier_ + half) >> shift_);
  return tanh_ ? tanh(x) : logistic(x);
}

int32_t Sigmoid16::logistic(int32_t x) const {
  const uint32_t magnitude = static_cast<uint32_t>(x < 0 ? -x : x), place = magnitude >> 9;
  uint32_t y = 0x7FFFu << 10; // in 2^-25
  if (place < 255) y = (table_[place] << 9) + (magnitude & 511) * (table_[place + 1] - table_[place]);
  return static_cast<int32_t>((x >= 0 ? y + (1u << 9) : (1u << 25) - y + (1u << 9) - 1) >> 10);
}

int32_t Sigmoid16::tanh(int32_t x) const {
  const uint32_t magnitude = static_cast<uint32_t>(x < 0 ? -x : x), place = magnitude >> 8;
  int32_t y = 0xFFFF << 8; // logistic(2 x) in 2^-24
  if (place < 255)
    y = static_cast<int32_t>((table_[place] << 8) + (magnitude & 255) * (table_[place + 1] - table_[place]));
  constexpr int32_t kHalf = 1 << 23, kRound = 1 << 7;
  return (x >= 0 ? y - kHalf + kRound : kHalf - y + kRound - 1) >> 8;
}

} // namespace burin::rt
