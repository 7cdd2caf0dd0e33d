#include "runtime/ops/conv_rows.h"

#include <algorithm>

namespace burin::rt {

namespace {
int64_t divideUp(int64_t a, int64_t b) { return a <= 0 ? 0 : (a + b - 1) / b; }
} // namespace

// Outputs first .. first + count of one row, at kernel column `column`: output x reads pixel x * stride +
// shift.
void ConvRows::fillRow(const uint8_t* row, int64_t column, int64_t first, int64_t count,
                       const uint8_t** table) const {
  const ConvGeometry& g = geometry_;
  const int64_t stride = g.stride[2];
  const int64_t shift = merged_ ? 0 : column * g.dilation[2] - g.padBegin[2];
  const int64_t limit = merged_ ? image_.width : g.in[2];
  const int64_t begin = std::min(std::max(divideUp(-shift, stride), first), first + count);
  const int64_t end = std::max(std::min(divideUp(limit - shift, stride), first + count), begin);
  const uint8_t* pixel = row + (begin * stride + shift) * image_.pixelBytes;
  const int64_t step = stride * image_.pixelBytes;
  std::fill(table, table + (begin - first), zeros_);
  for (int64_t x = begin; x < end; ++x, pixel += step) table[x - first] = pixel;
  std::fill(table + (end - first), table + count, zeros_);
}

void ConvRows::fillRun(int64_t sample, const Spatial& at, int64_t count, const uint8_t** table,
                       int64_t step) const {
  const ConvGeometry& g = geometry_;
  const int64_t columns = merged_ ? 1 : g.kernel[2];
  for (int64_t kz = 0; kz < g.kernel[0]; ++kz)
    for (int64_t ky = 0; ky < g.kernel[1]; ++ky) {
      const int64_t z = at[0] * g.stride[0] + kz * g.dilation[0] - g.padBegin[0];
      const int64_t y = at[1] * g.stride[1] + ky * g.dilation[1] - g.padBegin[1];
      const bool inside = z >= 0 && z < g.in[0] && y >= 0 && y < g.in[1];
      const uint8_t* row = base_ + ((sample * g.in[0] + z) * g.in[1] + y) * image_.rowBytes();
      for (int64_t kx = 0; kx < columns; ++kx, table += step) {
        if (inside)
          fillRow(row, kx, at[2], count, table);
        else
          std::fill(table, table + count, zeros_);
      }
    }
}

void ConvRows::fill(int64_t first, int64_t count, const uint8_t** table) const {
  const ConvGeometry& g = geometry_;
  const int64_t pixels = g.outputPixels();
  for (int64_t done = 0; done < count;) {
    const int64_t pixel = first + done;
    const Spatial at = positionAt(g.out, pixel % pixels);
    const int64_t run = std::min(count - done, g.out[2] - at[2]);
    fillRun(pixel / pixels, at, run, table + done, count);
    done += run;
  }
  const int64_t plane = positions() * count;
  for (int p = 1; p < planes_; ++p) std::copy(table, table + plane, table + p * plane);
}

} // namespace burin::rt
