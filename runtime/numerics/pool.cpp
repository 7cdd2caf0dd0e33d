#include "runtime/numerics/pool.h"

namespace burin::rt {

namespace {
EncodeStatus encodeMeanTflite(float from, float to, int32_t count, Requant& requant) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const EncodeStatus status = encodeRequant(RequantPolicy::Tflite, scale, requant);
  if (status != EncodeStatus::Ok) return status;
  int bits = 0;
  while (count >> (bits + 1)) ++bits;
  const int shift = bits < 31 - requant.shift ? bits : 31 - requant.shift;
  requant.multiplier = static_cast<int32_t>((int64_t{requant.multiplier} << shift) / count);
  requant.shift += shift;
  return EncodeStatus::Ok;
}
} // namespace

EncodeStatus encodeAverage(RequantPolicy policy, float from, float to, int32_t count, Requant& requant) {
  if (count <= 0) return EncodeStatus::NotPositive;
  if (policy == RequantPolicy::Tflite) return encodeMeanTflite(from, to, count, requant);
  if (policy != RequantPolicy::FloatHalfEven)
    return encodeRequant(policy, static_cast<double>(from) / to / count, requant);
  const float ratio = from / to;
  return encodeRequant(policy, ratio / static_cast<float>(count), requant);
}

} // namespace burin::rt
