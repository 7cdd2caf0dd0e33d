// Pooling over windows and over everything.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"
#include "lib/import/onnx/window.h"

#include <fmt/format.h>

namespace burin::onnx {

Value emitAveragePool(NodeContext& c, Value x) {
  auto window = readWindow(c, x);
  if (!window) return {};
  return c.emit("avg_pool", {x}, poolAttrs(c, *window).b("count_include_pad", c.flag("count_include_pad")));
}

namespace {
void importAveragePool(NodeContext& c) { c.set(0, emitAveragePool(c, c.in(0))); }

void importMaxPool(NodeContext& c) {
  auto window = readWindow(c, c.in(0));
  if (!window) return;
  if (!c.wants(1)) return c.set(0, c.emit("max_pool", {c.in(0)}, poolAttrs(c, *window)));
  c.setAll(c.emitAll("max_pool_index", {c.in(0)},
                     poolAttrs(c, *window).b("column_major", c.integer("storage_order") == 1)));
}

void importLpPool(NodeContext& c) {
  auto window = readWindow(c, c.in(0));
  if (!window) return;
  c.set(0, c.emit("lp_pool", {c.in(0)}, poolAttrs(c, *window).i("p", c.integer("p", 2))));
}

// Indices refer to the flattened output, which output_shape gives or the inverse of the pooling formula.
void importMaxUnpool(NodeContext& c) {
  Ints dims = NodeContext::dims(c.in(0));
  Ints kernel = c.ints("kernel_shape");
  if (dims.size() < 3 || kernel.size() != dims.size() - 2)
    return c.invalid("its kernel_shape does not fit its input");
  auto strides = perSpatialAxis(c, "strides", kernel.size(), 1),
       pads = perSpatialAxis(c, "pads", 2 * kernel.size(), 0);
  if (c.failed()) return;
  Ints sizes = dims;
  for (size_t i = 0; i < kernel.size(); ++i) {
    double size = static_cast<double>(dims[i + 2] - 1) * static_cast<double>((*strides)[i]) +
                  static_cast<double>(kernel[i]) - static_cast<double>((*pads)[i]) -
                  static_cast<double>((*pads)[i + kernel.size()]);
    if (size < 1 || size > 1e9) return c.invalid("its window attributes give no valid output size");
    sizes[i + 2] = static_cast<int64_t>(size);
  }
  if (c.has(2)) {
    auto given = c.constantInts(2, "output_shape");
    if (!given) return;
    sizes = *given;
  }
  c.set(0, c.emit("max_unpool", {c.in(0), c.in(1)}, c.attrs().ints("sizes", sizes)));
}

void importGlobalPool(NodeContext& c) {
  int64_t rank = NodeContext::rank(c.in(0));
  if (rank < 3) return c.invalid("its input has no spatial axes");
  c.set(0, c.reduce(c.row().variant, c.in(0), allAxes(rank, 2), true));
}

void importGlobalLpPool(NodeContext& c) {
  int64_t rank = NodeContext::rank(c.in(0)), p = c.integer("p", 2);
  if (rank < 3) return c.invalid("its input has no spatial axes");
  if (p == 1 || p == 2) return c.set(0, c.reduce(p == 1 ? "l1" : "l2", c.in(0), allAxes(rank, 2), true));
  if (p < 1) return c.invalid(fmt::format("attribute 'p' is {}", p));
  Value x = c.unary("abs", c.in(0));
  Value sum =
      c.reduce("sum", c.binary("pow", x, c.scalarLike(static_cast<double>(p), x)), allAxes(rank, 2), true);
  c.set(0, c.binary("pow", sum, c.scalarLike(1.0 / static_cast<double>(p), x)));
}

const OperatorRow kRows[] = {
    {"AveragePool", importAveragePool, 1, 1},
    {"MaxPool", importMaxPool, 1, 1},
    {"LpPool", importLpPool, 1, 1},
    {"MaxUnpool", importMaxUnpool, 2, 3},
    {"GlobalAveragePool", importGlobalPool, 1, 1, 1, "mean"},
    {"GlobalMaxPool", importGlobalPool, 1, 1, 1, "max"},
    {"GlobalLpPool", importGlobalLpPool, 1, 1},
};
} // namespace

const OperatorTable<OperatorRow> kPoolingOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
