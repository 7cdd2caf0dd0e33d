#include "runtime/numerics/normalize_tflite.h"

#include "runtime/numerics/fixed_point.h"

namespace burin::rt {

template <class T>
void l2NormalizeTflite(const T* x, int64_t stepX, T* y, int64_t stepY, int64_t count, int32_t zeroPoint) {
  constexpr bool isSigned = T(-1) < T(0);
  int64_t squares = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t value = x[i * stepX] - zeroPoint;
    squares += value * value;
  }
  fixed::Factor factor = fixed::inverseSquareRoot(saturate32(squares));
  // The factor 128 of the result's scale: part of the shift for signed integers, of the value for others.
  if (isSigned) factor.shift -= 7;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t value = (x[i * stepX] - zeroPoint) * (isSigned ? 1 : 128);
    const int64_t scaled = fixed::scaleBy(value, factor);
    y[i * stepY] = static_cast<T>(isSigned ? saturate(scaled, -128, 127) : saturate(scaled + 128, 0, 255));
  }
}

template void l2NormalizeTflite(const int8_t*, int64_t, int8_t*, int64_t, int64_t, int32_t);
template void l2NormalizeTflite(const uint8_t*, int64_t, uint8_t*, int64_t, int64_t, int32_t);

} // namespace burin::rt
