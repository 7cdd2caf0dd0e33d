#include "runtime/numerics/weights.h"

namespace burin::rt {

float maxWeightScale(double maxWeight, double maxBias, float inputScale, double divisor) {
  const double fromWeights = maxWeight / divisor;
  const double fromBias = maxBias / (static_cast<double>(inputScale) * 0x1p30);
  const double scale = fromWeights > fromBias ? fromWeights : fromBias;
  // Below 2^-100 float32 arithmetic with the scale would leave the normal range.
  return scale >= 0x1p-100 ? static_cast<float>(scale) : 1.0f / 128;
}

double qdmScale(double maxWeight, double maxBias, float inputScale, float outputScale, double divisor) {
  constexpr double highest = 0.999999;
  double scale = maxWeight * inputScale / (divisor * outputScale);
  if (scale > highest) scale = highest;
  const double fromBias = maxBias / (2147483647.0 * 0.998 * outputScale);
  if (fromBias > scale) scale = fromBias;
  if (scale > highest) return 0;
  return scale >= 0x1p-31 ? scale : 0x1p-7; // nothing to scale: any representable value serves
}

int shiftForWeights(double maxWeight, float inputScale, float outputScale, int32_t limit) {
  const double largest = maxWeight * inputScale / outputScale;
  if (!(largest > 0)) return 0;
  const int shift = largestExponent(largest, limit);
  return shift < 31 ? shift : 31;
}

int lowerShiftForBias(int shift, const float* bias, int64_t count, float outputScale) {
  for (; shift >= 0; --shift) {
    const double scale = scaleByPowerOfTwo(outputScale, -shift);
    int64_t overflowing = 0;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t q = quantizeBias(bias[i], scale, Rounding::HalfAway);
      overflowing += q < INT16_MIN || q > INT16_MAX ? 1 : 0;
    }
    if (100 * overflowing <= 3 * count) break;
  }
  return shift;
}

int32_t quantizeWeight(double weight, double scale, int32_t low, int32_t high, Rounding mode) {
  return static_cast<int32_t>(saturate(roundToInteger(weight / scale, mode), low, high));
}

int64_t quantizeBias(double bias, double scale, Rounding mode) { return roundToInteger(bias / scale, mode); }

int64_t foldZeroPoint(int64_t bias, int32_t inputZeroPoint, int64_t weightSum) {
  return bias - inputZeroPoint * weightSum;
}

bool needsWideAccumulator(int64_t biasMagnitude, int64_t largestActivation, int64_t weightMagnitudeSum) {
  if (biasMagnitude > INT32_MAX) return true;
  return largestActivation > 0 && weightMagnitudeSum > (INT32_MAX - biasMagnitude) / largestActivation;
}

int droppedBiasBits(int64_t largestMagnitude, int bits) {
  int dropped = 0;
  while (largestMagnitude >> dropped >= int64_t{1} << (bits - 1)) ++dropped;
  return dropped;
}

int64_t dropBiasBits(int64_t bias, int dropped, int bits) {
  const int64_t highest = (int64_t{1} << (bits - 1)) - 1;
  const int64_t kept = saturate(shiftRight(bias, dropped, Rounding::HalfEven), -highest - 1, highest);
  return kept * (int64_t{1} << dropped);
}

} // namespace burin::rt
