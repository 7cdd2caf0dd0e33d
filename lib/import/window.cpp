#include "lib/import/window.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin {

namespace {
constexpr int64_t kMaxWindowValue = int64_t(1) << 31;

bool inRange(RuleContext& context, const char* what, const Ints& values, int64_t least) {
  for (int64_t v : values)
    if (v < least || v > kMaxWindowValue) {
      context.invalid(fmt::format("attribute '{}' holds {}", what, v));
      return false;
    }
  return true;
}

int64_t ceilDiv(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }
int64_t floorDiv(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
int64_t extent(const Window& w, size_t axis) { return (w.kernel[axis] - 1) * w.dilations[axis] + 1; }
} // namespace

Window Window::of(const Ints& kernel) {
  return {kernel, Ints(kernel.size(), 1), Ints(kernel.size(), 1), Ints(2 * kernel.size(), 0), {}};
}

void padSame(Window& w, size_t axis, int64_t in, bool upper) {
  size_t n = w.kernel.size();
  w.sizes.resize(n);
  w.sizes[axis] = ceilDiv(in, w.strides[axis]);
  int64_t total = std::max<int64_t>((w.sizes[axis] - 1) * w.strides[axis] + extent(w, axis) - in, 0);
  w.pads[axis] = upper ? total / 2 : total - total / 2;
  w.pads[axis + n] = total - w.pads[axis];
}

void sizeFromPads(Window& w, size_t axis, int64_t in, Rounding rounding) {
  size_t n = w.kernel.size();
  w.sizes.resize(n);
  int64_t room = in + w.pads[axis] + w.pads[axis + n] - extent(w, axis);
  int64_t& size = w.sizes[axis];
  size = (rounding == Rounding::Floor ? floorDiv(room, w.strides[axis]) : ceilDiv(room, w.strides[axis])) + 1;
  if (rounding == Rounding::CeilInside && (size - 1) * w.strides[axis] >= in + w.pads[axis]) --size;
}

bool checkWindow(RuleContext& context, const Window& w) {
  return inRange(context, "kernel_shape", w.kernel, 1) && inRange(context, "strides", w.strides, 1) &&
         inRange(context, "dilations", w.dilations, 1) && inRange(context, "pads", w.pads, -kMaxWindowValue);
}

bool checkWindowFits(RuleContext& context, const Window& w, const Ints& in) {
  size_t n = w.kernel.size();
  for (size_t i = 0; i < n; ++i)
    if (w.sizes[i] < 1) {
      context.invalid(fmt::format("its window of {} does not fit into the padded input of {}", extent(w, i),
                                  in[i] + w.pads[i] + w.pads[i + n]),
                      "check --input-shapes; the input may be too small for this network");
      return false;
    }
  return true;
}

nn::AttrList poolAttrs(RuleContext& context, const Window& w) {
  return context.attrs()
      .ints("kernel", w.kernel)
      .ints("strides", w.strides)
      .ints("dilations", w.dilations)
      .ints("pads", w.pads)
      .ints("sizes", w.sizes);
}

Value channelsFirst(RuleContext& context, Value x) {
  int64_t rank = RuleContext::rank(x);
  if (rank < 2) return x;
  Ints perm = {0, rank - 1};
  for (int64_t i = 1; i + 1 < rank; ++i) perm.push_back(i);
  return context.transpose(x, perm);
}

Value channelsLast(RuleContext& context, Value x) {
  int64_t rank = RuleContext::rank(x);
  if (rank < 2) return x;
  Ints perm = {0};
  for (int64_t i = 2; i < rank; ++i) perm.push_back(i);
  perm.push_back(1);
  return context.transpose(x, perm);
}

} // namespace burin
