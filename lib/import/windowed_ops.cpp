#include "lib/import/windowed_ops.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace burin {

namespace {
bool hasLength(RuleContext& c, const char* name, const Ints& values, size_t count) {
  if (values.size() == count) return true;
  c.invalid(fmt::format("its {} have {} entries, {} are needed", name, values.size(), count));
  return false;
}
} // namespace

bool checkWindow(RuleContext& c, const Window& w, Value x) {
  if (c.failed() || !x) return false;
  int64_t rank = RuleContext::rank(x);
  if (rank < 3) {
    c.invalid(fmt::format(
        "its input has {} dimensions, batch, channels and at least one spatial axis are needed", rank));
    return false;
  }
  size_t n = static_cast<size_t>(rank - 2);
  return hasLength(c, "kernel sizes", w.kernel, n) && hasLength(c, "strides", w.strides, n) &&
         hasLength(c, "dilations", w.dilations, n) && hasLength(c, "pads", w.pads, 2 * n) &&
         checkWindow(c, w);
}

bool sizeWindow(RuleContext& c, Window& w, Value x, Rounding rounding) {
  if (!checkWindow(c, w, x)) return false;
  Ints dims = RuleContext::dims(x), in(dims.begin() + 2, dims.end());
  for (size_t i = 0; i < in.size(); ++i) sizeFromPads(w, i, in[i], rounding);
  return checkWindowFits(c, w, in);
}

std::optional<Ints> transposedSizes(RuleContext& c, const Window& w, Value x) {
  Ints in = RuleContext::dims(x), sizes;
  size_t n = w.kernel.size();
  for (size_t i = 0; i < n; ++i) {
    if (in[i + 2] > int64_t(1) << 31 || w.strides[i] > 1 << 24 || w.dilations[i] > 1 << 24) {
      c.invalid("a stride, dilation or size is out of range");
      return std::nullopt;
    }
    int64_t extent = (w.kernel[i] - 1) * w.dilations[i] + 1;
    sizes.push_back((in[i + 2] - 1) * w.strides[i] + extent - w.pads[i] - w.pads[i + n]);
  }
  return sizes;
}

Value emitConv(RuleContext& c, Value x, Value w, Value bias, const Window& window, int64_t groups) {
  if (!checkWindow(c, window, x)) return {};
  return c.emit("conv", {x, w, bias ? bias : c.none()},
                c.attrs()
                    .ints("strides", window.strides)
                    .ints("dilations", window.dilations)
                    .ints("pads", window.pads)
                    .i("groups", groups));
}

Value emitConvTranspose(RuleContext& c, Value x, Value w, Value bias, const Window& window,
                        const Ints& outputPads, int64_t groups) {
  if (!checkWindow(c, window, x)) return {};
  return c.emit("conv_transpose", {x, w, bias ? bias : c.none()},
                c.attrs()
                    .ints("strides", window.strides)
                    .ints("dilations", window.dilations)
                    .ints("pads", window.pads)
                    .ints("output_pads", outputPads)
                    .i("groups", groups));
}

Value emitMaxPool(RuleContext& c, Value x, const Window& window) {
  return c.emit("max_pool", {x}, poolAttrs(c, window));
}

Value emitAveragePool(RuleContext& c, Value x, const Window& window, bool countIncludePad) {
  return c.emit("avg_pool", {x}, poolAttrs(c, window).b("count_include_pad", countIncludePad));
}

namespace {
// One axis whose windows differ: a piece per output.
Value adaptAxis(RuleContext& c, Value x, int64_t axis, int64_t out, const char* fn) {
  int64_t in = RuleContext::dims(x)[static_cast<size_t>(axis)];
  std::vector<Value> pieces;
  for (int64_t i = 0; i < out && !c.failed(); ++i) {
    int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    pieces.push_back(c.reduce(fn, c.slice(x, axis, begin, end - begin), {axis}, true));
  }
  return c.concat(pieces, axis);
}
} // namespace

Value emitAdaptivePool(RuleContext& c, Value x, const Ints& sizes, const char* fn) {
  Window w = Window::of(sizes); // the counts are checked with it
  if (!checkWindow(c, w, x)) return {};
  Ints dims = RuleContext::dims(x), ones;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] > 4096 || dims[i + 2] < 1) {
      c.invalid(fmt::format("an output of {} from an input of {} is not possible", sizes[i], dims[i + 2]));
      return {};
    }
    if (sizes[i] == 1) ones.push_back(static_cast<int64_t>(i) + 2);
  }
  if (ones.size() == sizes.size()) return c.reduce(fn, x, ones, true);
  for (size_t i = 0; i < sizes.size(); ++i) {
    bool even = dims[i + 2] % sizes[i] == 0;
    w.kernel[i] = w.strides[i] = even ? dims[i + 2] / sizes[i] : 1;
    if (!even) x = adaptAxis(c, x, static_cast<int64_t>(i) + 2, sizes[i], fn);
  }
  bool left = std::any_of(w.kernel.begin(), w.kernel.end(), [](int64_t k) { return k > 1; });
  if (!left || !sizeWindow(c, w, x, Rounding::Floor)) return x;
  return std::strcmp(fn, "max") == 0 ? emitMaxPool(c, x, w) : emitAveragePool(c, x, w, false);
}

} // namespace burin
