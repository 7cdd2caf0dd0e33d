// Colour orders of 8-bit pixels. Pictures are decoded to B, G, R; models ask for something else.
#pragma once

#include "runtime/image/image.h"

#include <cstdint>

namespace burin::rt {

// Grey value of one pixel: 15-bit weights of ITU-R BT.601, rounded half up, as in OpenCV's COLOR_BGR2GRAY.
constexpr uint8_t grayOfBgr(int blue, int green, int red) {
  return static_cast<uint8_t>((blue * 3735 + green * 19235 + red * 9798 + (1 << 14)) >> 15);
}

// Each converts `count` pixels; the pointers must not overlap.
void grayRowFromBgr(const uint8_t* bgr, int64_t count, uint8_t* gray);
void rgbRowFromBgr(const uint8_t* bgr, int64_t count, uint8_t* rgb);
void rgbaRowFromBgr(const uint8_t* bgr, int64_t count, uint8_t* rgba); // alpha 255

} // namespace burin::rt
