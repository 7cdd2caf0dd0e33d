#include "runtime/ops/conv_rows.h"

#include <algorithm>

namespace burin::rt {

namespace {
int64_t divideUp(int64_t a, int64_t b) { return a <= 0 ? 0 : (a + b - 1) / b; }
} // namespace

std::vector<int64_t> RowWalk::flatPositions(const Spatial& kernel) const {
  std::vector<int64_t> flat;
  for (int64_t z : kernelIndices[0])
    for (int64_t y : kernelIndices[1])
      for (int64_t x : kernelIndices[2]) flat.push_back((z * kernel[1] + y) * kernel[2] + x);
  return flat;
}

RowWalk convWalk(const ConvGeometry& g, bool merged) {
  RowWalk walk;
  walk.out = g.out;
  walk.stride = g.stride;
  for (int axis = 0; axis < kSpatial; ++axis) {
    const bool isMerged = merged && axis == kSpatial - 1;
    for (int64_t k = 0; k < (isMerged ? 1 : g.kernel[axis]); ++k) {
      walk.kernelIndices[axis].push_back(k);
      walk.offsets[axis].push_back(isMerged ? 0 : k * g.dilation[axis] - g.padBegin[axis]);
    }
  }
  return walk;
}

// Output p takes kernel index k from input (p + pad - k * dilation) / stride where that is an integer. With
// p = first + i * stride this is i + (first + pad - k * dilation) / stride.
RowWalk phaseWalk(const ConvGeometry& g, const Spatial& phase, Spatial& first) {
  RowWalk walk;
  for (int axis = 0; axis < kSpatial; ++axis) {
    const int64_t stride = g.stride[axis];
    first[axis] = ((phase[axis] - g.padBegin[axis]) % stride + stride) % stride;
    walk.out[axis] = first[axis] < g.out[axis] ? (g.out[axis] - first[axis] + stride - 1) / stride : 0;
    for (int64_t k = 0; k < g.kernel[axis]; ++k) {
      const int64_t scaled = first[axis] + g.padBegin[axis] - k * g.dilation[axis];
      if (scaled % stride != 0) continue;
      walk.kernelIndices[axis].push_back(k);
      walk.offsets[axis].push_back(scaled / stride);
    }
  }
  return walk;
}

// Outputs first .. first + count of one row.
void ConvRows::fillRow(const uint8_t* row, int64_t offset, int64_t first, int64_t count,
                       const uint8_t** table) const {
  const int64_t stride = walk_.stride[2];
  const int64_t begin = std::min(std::max(divideUp(-offset, stride), first), first + count);
  const int64_t end = std::max(std::min(divideUp(image_.width - offset, stride), first + count), begin);
  const uint8_t* pixel = row + (begin * stride + offset) * image_.pixelBytes;
  const int64_t step = stride * image_.pixelBytes;
  std::fill(table, table + (begin - first), zeros_);
  for (int64_t x = begin; x < end; ++x, pixel += step) table[x - first] = pixel;
  std::fill(table + (end - first), table + count, zeros_);
}

void ConvRows::fillRun(int64_t sample, const Spatial& at, int64_t count, const uint8_t** table,
                       int64_t step) const {
  for (int64_t offsetZ : walk_.offsets[0])
    for (int64_t offsetY : walk_.offsets[1]) {
      const int64_t z = at[0] * walk_.stride[0] + offsetZ, y = at[1] * walk_.stride[1] + offsetY;
      const bool inside = z >= 0 && z < image_.in[0] && y >= 0 && y < image_.in[1];
      const uint8_t* row = base_ + ((sample * image_.in[0] + z) * image_.in[1] + y) * image_.rowBytes();
      for (int64_t offsetX : walk_.offsets[2]) {
        if (inside)
          fillRow(row, offsetX, at[2], count, table);
        else
          std::fill(table, table + count, zeros_);
        table += step;
      }
    }
}

void ConvRows::fill(int64_t first, int64_t count, const uint8_t** table) const {
  const int64_t pixels = walk_.pixels();
  for (int64_t done = 0; done < count;) {
    const int64_t pixel = first + done;
    const Spatial at = positionAt(walk_.out, pixel % pixels);
    const int64_t run = std::min(count - done, walk_.out[2] - at[2]);
    fillRun(pixel / pixels, at, run, table + done, count);
    done += run;
  }
  const int64_t plane = walk_.positions() * count;
  for (int p = 1; p < planes_; ++p) std::copy(table, table + plane, table + p * plane);
}

} // namespace burin::rt
