#include "runtime/image/color.h"

namespace burin::rt {

void grayRowFromBgr(const uint8_t* bgr, int64_t count, uint8_t* gray) {
  for (int64_t i = 0; i < count; ++i) gray[i] = grayOfBgr(bgr[3 * i], bgr[3 * i + 1], bgr[3 * i + 2]);
}

void rgbRowFromBgr(const uint8_t* bgr, int64_t count, uint8_t* rgb) {
  for (int64_t i = 0; i < count; ++i) {
    rgb[3 * i] = bgr[3 * i + 2];
    rgb[3 * i + 1] = bgr[3 * i + 1];
    rgb[3 * i + 2] = bgr[3 * i];
  }
}

void rgbaRowFromBgr(const uint8_t* bgr, int64_t count, uint8_t* rgba) {
  for (int64_t i = 0; i < count; ++i) {
    rgba[4 * i] = bgr[3 * i + 2];
    rgba[4 * i + 1] = bgr[3 * i + 1];
    rgba[4 * i + 2] = bgr[3 * i];
    rgba[4 * i + 3] = 255;
  }
}

} // namespace burin::rt
