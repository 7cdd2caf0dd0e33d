// Pooling over windows, over everything, and onto a given output size.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::paddle {

namespace {
// Paddle rounds the number of windows towards zero: an input a little smaller than the window gives one
// window, cut off where the input ends. Padding that never counts says the same.
void cutOffWindows(Window& w, Value x) {
  const Ints dims = RuleContext::dims(x);
  const size_t n = w.kernel.size();
  for (size_t i = 0; i < n && i + 2 < dims.size(); ++i) {
    int64_t missing = w.kernel[i] - dims[i + 2] - w.pads[i] - w.pads[i + n];
    if (missing > 0 && missing < w.strides[i]) w.pads[i + n] += missing;
  }
}

Value emitPool(Node& n, Value x, const Ints& kernel) {
  bool isMax = n.text("pooling_type", "max") == "max";
  const char* fn = isMax ? "max" : "mean";
  int64_t rank = RuleContext::rank(x);
  if (rank < 3) {
    n->invalid("its input has no spatial axes");
    return {};
  }
  if (n.flag("global_pooling")) return n->reduce(fn, x, allAxes(rank, 2), true);
  if (n.flag("adaptive")) {
    Ints sizes = kernel; // -1 keeps an axis
    for (size_t i = 0; i < sizes.size() && i + 2 < static_cast<size_t>(rank); ++i)
      if (sizes[i] == -1) sizes[i] = RuleContext::dims(x)[i + 2];
    return emitAdaptivePool(n.context(), x, sizes, fn);
  }
  auto window = readWindow(n, x, kernel);
  Rounding rounding = n.flag("ceil_mode") ? Rounding::Ceil : Rounding::Floor;
  if (!window || !checkWindow(n.context(), *window, x)) return {};
  cutOffWindows(*window, x);
  if (!sizeWindow(n.context(), *window, x, rounding)) return {};
  return isMax ? emitMaxPool(n.context(), x, *window)
               : emitAveragePool(n.context(), x, *window, !n.flag("exclusive", true));
}

void importPool(Node& n) {
  auto kernel = n.intsOr("ksize", nullptr);
  if (!kernel) return;
  bool isLast = isChannelsLast(n);
  Value y = emitPool(n, isLast ? channelsFirst(n.context(), n.in("X")) : n.in("X"), *kernel);
  n.set("Out", isLast ? channelsLast(n.context(), y) : y);
}

// The mask holds indices into one channel's plane; ours count through the whole tensor.
void importMaxPoolWithIndex(Node& n) {
  Value x = n.in("X");
  Ints dims = RuleContext::dims(x);
  if (dims.size() < 3) return n->invalid("its input has no spatial axes");
  Ints kernel = n.ints("ksize");
  if (n.flag("global_pooling")) kernel.assign(dims.begin() + 2, dims.end());
  if (n.flag("adaptive")) {
    for (size_t i = 0; i < kernel.size() && i + 2 < dims.size(); ++i) {
      if (kernel[i] < 1 || dims[i + 2] % kernel[i])
        return n->unsupported("adaptive pooling with indices needs an input that its output divides");
      kernel[i] = dims[i + 2] / kernel[i];
    }
  }
  auto window = readWindow(n, x, kernel);
  if (!window) return;
  if (n.flag("adaptive") || n.flag("global_pooling"))
    window->strides = kernel, window->pads.assign(window->pads.size(), 0);
  if (!sizeWindow(n.context(), *window, x, Rounding::Floor)) return;
  if (!n.wants("Mask")) return n.set("Out", emitMaxPool(n.context(), x, *window));
  auto results = n->emitAll("max_pool_index", {x},
                            n->attrs()
                                .ints("kernel", window->kernel)
                                .ints("strides", window->strides)
                                .ints("dilations", window->dilations)
                                .ints("pads", window->pads)
                                .ints("sizes", window->sizes));
  if (results.size() != 2) return;
  n.set("Out", results[0]);
  Value plane = n->scalar(static_cast<double>(product(dims, 2, dims.size())), rt::DType::I64);
  n.set("Mask", n->cast(n->binary("mod", results[1], plane), rt::DType::I32));
}

const OperatorRow kRows[] = {
    {"pool2d", importPool, "", "model"},
    {"pool3d", importPool},
    {"max_pool2d_with_index", importMaxPoolWithIndex},
    {"max_pool3d_with_index", importMaxPoolWithIndex},
};
} // namespace

const OperatorTable<OperatorRow> kPoolingOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle
