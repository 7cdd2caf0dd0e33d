// Pooling as Caffe counts windows.
#include "lib/import/caffe/operators.h"
#include "lib/import/caffe/window.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::caffe {

namespace {
// The last window may hang over the end; with padding, one that would start in the padding behind is dropped.
bool setPooledSizes(LayerContext& c, Window& w) {
  const bool floors = c.params.choice("round_mode", {"CEIL", "FLOOR"}) == 1 ||
                      (c.params.has("ceil_mode") && !c.params.flag("ceil_mode", true));
  const bool padded = std::any_of(w.pads.begin(), w.pads.end(), [](int64_t pad) { return pad != 0; });
  const Ints dims = c.dims();
  for (size_t i = 0; i < w.kernel.size(); ++i) {
    const int64_t in = dims[i + 2], room = in + 2 * w.pads[i] - w.kernel[i];
    if (room < 0 && (floors || -room >= w.strides[i])) {
      c.op.invalid(fmt::format("its window of {} does not fit into the padded input of {}", w.kernel[i],
                               in + 2 * w.pads[i]),
                   "check --input-shapes; the input may be too small for this network");
      return false;
    }
    int64_t size = (room + (floors ? 0 : w.strides[i] - 1)) / w.strides[i] + 1;
    const bool startsBehind = (size - 1) * w.strides[i] >= in + w.pads[i];
    if (padded && startsBehind) --size;
    if (!padded && startsBehind) {
      c.op.unsupported("its last window lies behind the input", "make the stride no larger than the kernel");
      return false;
    }
    w.sizes.push_back(size);
  }
  return true;
}

void importGlobalPooling(LayerContext& c, bool isMax) {
  Ints axes;
  for (int64_t i = 2; i < c.rank(); ++i) axes.push_back(i);
  c.op.set(0, c.op.reduce(isMax ? "max" : "mean", c.x, axes, true));
}

void importPooling(LayerContext& c) {
  const int kind = c.params.choice("pool", {"MAX", "AVE", "STOCHASTIC"});
  if (kind == 2) return c.op.unsupported("stochastic pooling is for training", "use AVE or MAX");
  if (c.rank() < 3) return c.op.invalid("its input has no spatial axes");
  const bool isMax = kind == 0, global = c.params.flag("global_pooling", false);
  auto w = readWindow(c, static_cast<size_t>(c.rank() - 2), global);
  if (!w) return;
  if (global && !c.op.wants(1)) return importGlobalPooling(c, isMax);
  Ints dims = c.dims();
  if (global) w->kernel.assign(dims.begin() + 2, dims.end());
  for (size_t i = 0; i < w->kernel.size(); ++i)
    if (w->pads[i] >= w->kernel[i]) return c.op.invalid("its padding is not smaller than its window");
  if (!setPooledSizes(c, *w)) return;
  nn::AttrList attrs = poolAttrs(c.op, *w);
  if (!isMax) // divides by the window's part of the padded input
    return c.op.set(0, c.op.emit("avg_pool", {c.x}, attrs.b("count_include_pad", true)));
  if (!c.op.wants(1)) return c.op.set(0, c.op.emit("max_pool", {c.x}, attrs));
  c.op.setAll(c.op.emitAll("max_pool_index", {c.x}, attrs));
}

const LayerRow kRows[] = {
    {"Pooling", importPooling, "pooling_param", 1, 1, "model"},
};
} // namespace

const OperatorTable<LayerRow> kPoolingLayers = {kRows, std::size(kRows)};

} // namespace burin::caffe
