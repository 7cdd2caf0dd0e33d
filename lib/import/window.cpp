#include "lib/import/window.h"

namespace burin {

namespace {
int64_t ceilDiv(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }
int64_t floorDiv(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
int64_t extentOf(const Window& w, size_t axis) { return (w.kernel[axis] - 1) * w.dilations[axis] + 1; }
} // namespace

void padSame(Window& w, size_t axis, int64_t in, bool upper) {
  w.sizes[axis] = ceilDiv(in, w.strides[axis]);
  int64_t total = std::max<int64_t>((w.sizes[axis] - 1) * w.strides[axis] + extentOf(w, axis) - in, 0);
  w.pads[axis] = upper ? total / 2 : total - total / 2;
  w.pads[axis + w.kernel.size()] = total - w.pads[axis];
}

void sizeByPads(Window& w, size_t axis, int64_t in, bool ceilMode) {
  int64_t room = in + w.pads[axis] + w.pads[axis + w.kernel.size()] - extentOf(w, axis);
  int64_t& size = w.sizes[axis];
  size = (ceilMode ? ceilDiv(room, w.strides[axis]) : floorDiv(room, w.strides[axis])) + 1;
  // A last window that would start in the end padding is dropped.
  if (ceilMode && (size - 1) * w.strides[axis] >= in + w.pads[axis]) --size;
}

nn::AttrList poolAttrs(const RuleContext& c, const Window& w) {
  return c.attrs()
      .ints("kernel", w.kernel)
      .ints("strides", w.strides)
      .ints("dilations", w.dilations)
      .ints("pads", w.pads)
      .ints("sizes", w.sizes);
}

} // namespace burin
