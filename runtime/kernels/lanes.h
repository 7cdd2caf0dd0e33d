// The order of float reductions: sixteen lanes, lane l takes elements l, l + 16, ...; then lanes are joined
// pairwise, (l, l + 8), (l, l + 4), (l, l + 2), (l, l + 1). One policy per reduction: its identity, how an
// element enters a lane, how two lanes join.
#pragma once

#include "runtime/math/binary_functions.h"

namespace burin::rt {

struct SumLane {
  static constexpr float kIdentity = 0.0f;
  static BURIN_INLINE float step(float acc, float x) { return acc + x; }
  static BURIN_INLINE float join(float a, float b) { return a + b; }
};
struct SumAbsLane {
  static constexpr float kIdentity = 0.0f;
  static BURIN_INLINE float step(float acc, float x) { return acc + math::absolute(x); }
  static BURIN_INLINE float join(float a, float b) { return a + b; }
};
struct SumSquareLane {
  static constexpr float kIdentity = 0.0f;
  static BURIN_INLINE float step(float acc, float x) { return std::fma(x, x, acc); }
  static BURIN_INLINE float join(float a, float b) { return a + b; }
};
struct MaxLane {
  static constexpr float kIdentity = -math::kInfinity;
  static BURIN_INLINE float step(float acc, float x) { return math::maximum(acc, x); }
  static BURIN_INLINE float join(float a, float b) { return math::maximum(a, b); }
};
struct MinLane {
  static constexpr float kIdentity = math::kInfinity;
  static BURIN_INLINE float step(float acc, float x) { return math::minimum(acc, x); }
  static BURIN_INLINE float join(float a, float b) { return math::minimum(a, b); }
};
struct ProdLane {
  static constexpr float kIdentity = 1.0f;
  static BURIN_INLINE float step(float acc, float x) { return acc * x; }
  static BURIN_INLINE float join(float a, float b) { return a * b; }
};

// Joins sixteen lanes in place; the result is lanes[0].
template <class F>
BURIN_INLINE float joinLanes(float* lanes) {
  for (int half = 8; half > 0; half /= 2)
    for (int l = 0; l < half; ++l) lanes[l] = F::join(lanes[l], lanes[l + half]);
  return lanes[0];
}

} // namespace burin::rt
