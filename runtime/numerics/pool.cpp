#include "runtime/numerics/pool.h"

namespace burin::rt {

EncodeStatus encodeAverage(RequantPolicy policy, float from, float to, int32_t count, Requant& requant) {
  if (count <= 0) return EncodeStatus::NotPositive;
  if (policy != RequantPolicy::FloatHalfEven)
    return encodeRequant(policy, static_cast<double>(from) / to / count, requant);
  const float ratio = from / to;
  return encodeRequant(policy, ratio / static_cast<float>(count), requant);
}

} // namespace burin::rt
