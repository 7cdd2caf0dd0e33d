// Slice and CenterCropPad.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::onnx {

namespace {
struct Cut {
  int64_t start, size, step;
};

// Python's rule: negative positions count from the end, positions beyond the tensor are clamped.
Cut resolveCut(int64_t start, int64_t end, int64_t step, int64_t dim) {
  step = std::clamp(step, -dim - 1, dim + 1);
  auto position = [&](int64_t p, int64_t low, int64_t high) {
    if (p < 0) p = p < -dim ? low : p + dim;
    return std::clamp(p, low, high);
  };
  if (step > 0) {
    start = position(start, 0, dim), end = position(end, 0, dim);
    int64_t size = end > start ? (end - start + step - 1) / step : 0;
    return {size ? start : 0, size, step};
  }
  start = position(start, -1, dim - 1), end = end < -dim ? -1 : position(end, -1, dim - 1);
  int64_t size = start > end ? (start - end - step - 1) / -step : 0;
  return {size ? start : 0, size, size ? step : 1};
}

struct SliceArguments {
  Ints starts, ends, axes, steps;
};

std::optional<SliceArguments> readSlice(NodeContext& c, int64_t rank) {
  SliceArguments s;
  auto starts = c.attributeOrInput("starts", 1, 10), ends = c.attributeOrInput("ends", 2, 10),
       axes = c.attributeOrInput("axes", 3, 10);
  if (c.failed()) return std::nullopt;
  if (!starts || !ends || starts->size() != ends->size()) {
    c.invalid("its starts and ends are missing or of different length");
    return std::nullopt;
  }
  s.starts = *starts, s.ends = *ends;
  s.axes = axes.value_or(allAxes(static_cast<int64_t>(starts->size())));
  if (c.opset() >= 10 && c.has(4))
    s.steps = c.constantInts(4, "steps").value_or(Ints());
  else
    s.steps.assign(starts->size(), 1);
  if (c.failed()) return std::nullopt;
  if (s.axes.size() != s.starts.size() || s.steps.size() != s.starts.size()) {
    c.invalid("its starts, axes and steps have different lengths");
    return std::nullopt;
  }
  for (int64_t& axis : s.axes) axis = c.axis(axis, rank);
  return s;
}

void importSlice(NodeContext& c) {
  Ints sizes = NodeContext::dims(c.in(0));
  auto s = readSlice(c, static_cast<int64_t>(sizes.size()));
  if (!s || c.failed()) return;
  Ints starts(sizes.size(), 0), steps(sizes.size(), 1), dims = sizes;
  for (size_t i = 0; i < s->starts.size(); ++i) {
    if (s->steps[i] == 0) return c.invalid("a step is 0");
    size_t axis = static_cast<size_t>(s->axes[i]);
    Cut cut = resolveCut(s->starts[i], s->ends[i], s->steps[i], dims[axis]);
    starts[axis] = cut.start, sizes[axis] = cut.size, steps[axis] = cut.step;
  }
  c.set(0, c.emit("slice", {c.in(0)},
                  c.attrs().ints("starts", starts).ints("sizes", sizes).ints("steps", steps)));
}

// Crops or pads with zeros, centred; the odd element goes to the end.
void importCenterCropPad(NodeContext& c) {
  Ints dims = NodeContext::dims(c.in(0));
  int64_t rank = static_cast<int64_t>(dims.size());
  auto shape = c.constantInts(1, "shape");
  if (!shape) return;
  Ints axes = c.ints("axes", allAxes(rank));
  if (axes.size() != shape->size()) return c.invalid("its shape and axes have different lengths");
  Ints pads(static_cast<size_t>(2 * rank), 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    int64_t axis = c.axis(axes[i], rank);
    if ((*shape)[i] < 0 || (*shape)[i] > int64_t(1) << 31)
      return c.invalid(fmt::format("its shape holds {}", (*shape)[i]));
    if (c.failed()) return;
    int64_t more = (*shape)[i] - dims[static_cast<size_t>(axis)];
    int64_t before = more >= 0 ? more / 2 : -(-more / 2);
    pads[static_cast<size_t>(axis)] = before;
    pads[static_cast<size_t>(axis + rank)] = more - before;
  }
  c.set(0, c.emit("pad", {c.in(0)}, c.attrs().ints("pads", pads).s("mode", "constant").f("value", 0)));
}

const OperatorRow kRows[] = {
    {"Slice", importSlice, 1, 5},
    {"CenterCropPad", importCenterCropPad, 2, 2},
};
} // namespace

const OperatorTable<OperatorRow> kSliceOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
