// Windows of pooling ops, shared by the float and the integer ones. Spatial ranks 1 to 3 are seen as rank 3
// with leading axes of length 1.
#pragma once

#include "runtime/ops/infer_check.h"

namespace burin::rt {

struct PoolAxis {
  int64_t input = 1, output = 1, kernel = 1, stride = 1, dilation = 1, padBegin = 0, padEnd = 0;
  int64_t stepX = 0, stepY = 0; // elements between neighbours in x and y

  // The taps of output position o that lie in [-low, input + high).
  struct Taps {
    int64_t first, last; // half open
    int64_t count() const { return last > first ? last - first : 0; }
  };
  int64_t start(int64_t o) const { return o * stride - padBegin; }
  Taps inside(int64_t o) const { return within(start(o), 0, input); }
  Taps padded(int64_t o) const { return within(start(o), -padBegin, input + padEnd); }

private:
  Taps within(int64_t from, int64_t low, int64_t high) const {
    const int64_t first = from >= low ? 0 : (low - from + dilation - 1) / dilation;
    const int64_t last = from >= high ? 0 : (high - from + dilation - 1) / dilation;
    return {first, last < kernel ? last : kernel};
  }
};

struct PoolGeometry {
  int64_t batch = 1, channels = 1;
  int64_t batchX = 0, batchY = 0, channelX = 0, channelY = 0; // steps in elements
  PoolAxis axis[3];

  int64_t positions() const { return axis[0].output * axis[1].output * axis[2].output; }
};

// Checks kernel, strides, dilations, pads and sizes against x, and gives y's shape. `dilated` ops have
// dilations.
bool inferPoolShape(const Signature& signature, Shape& shape, std::string& error);

PoolGeometry poolGeometry(const Attrs& attrs, const Tensor& x, const Tensor& y);

// Calls body(placeX, placeY, position[3]) for every output element of [begin, end), counted batch, channel,
// then space in row-major order. placeX is the offset of the channel's plane in x.
template <class Body>
void forPoolOutputs(const PoolGeometry& g, int64_t begin, int64_t end, const Body& body) {
  for (int64_t i = begin; i < end; ++i) {
    int64_t rest = i, position[3];
    for (int a = 2; a >= 0; --a) {
      position[a] = rest % g.axis[a].output;
      rest /= g.axis[a].output;
    }
    const int64_t channel = rest % g.channels, batch = rest / g.channels;
    int64_t placeY = batch * g.batchY + channel * g.channelY;
    for (int a = 0; a < 3; ++a) placeY += position[a] * g.axis[a].stepY;
    body(batch * g.batchX + channel * g.channelX, placeY, static_cast<const int64_t*>(position));
  }
}

// Calls body(offset) for every input element of the window at `position`, row-major; offset is relative to
// the plane.
template <class Body>
void forWindow(const PoolGeometry& g, const int64_t* position, const Body& body) {
  const PoolAxis &d = g.axis[0], &h = g.axis[1], &w = g.axis[2];
  const PoolAxis::Taps taps0 = d.inside(position[0]), taps1 = h.inside(position[1]),
                       taps2 = w.inside(position[2]);
  for (int64_t a = taps0.first; a < taps0.last; ++a)
    for (int64_t b = taps1.first; b < taps1.last; ++b)
      for (int64_t c = taps2.first; c < taps2.last; ++c)
        body((d.start(position[0]) + a * d.dilation) * d.stepX +
             (h.start(position[1]) + b * h.dilation) * h.stepX +
             (w.start(position[2]) + c * w.dilation) * w.stepX);
}

// Elements the mean of the window at `position` divides by.
inline int64_t windowCount(const PoolGeometry& g, const int64_t* position, bool includePad) {
  int64_t count = 1;
  for (int a = 0; a < 3; ++a)
    count *= (includePad ? g.axis[a].padded(position[a]) : g.axis[a].inside(position[a])).count();
  return count;
}

} // namespace burin::rt
