// [L2-TFLITE] A row over the root of the sum of its squares, in TensorFlow Lite's fixed point.
#pragma once

#include <cstdint>

namespace burin::rt {

// `count` stored values, stepX and stepY apart; the output has scale 1/128 and the zero point 0 (128 for
// unsigned integers).
template <class T>
void l2NormalizeTflite(const T* x, int64_t stepX, T* y, int64_t stepY, int64_t count, int32_t zeroPoint);

} // namespace burin::rt
