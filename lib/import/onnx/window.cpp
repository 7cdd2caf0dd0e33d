#include "lib/import/onnx/window.h"

#include <fmt/format.h>

namespace burin::onnx {

std::optional<Ints> perSpatialAxis(NodeContext& context, const char* name, size_t count, int64_t fallback) {
  Ints values = context.ints(name);
  if (values.empty()) values.assign(count, fallback);
  if (values.size() != count) {
    context.invalid(fmt::format("attribute '{}' has {} entries, {} are needed", name, values.size(), count));
    return std::nullopt;
  }
  return values;
}

std::optional<Window> readWindow(NodeContext& context, Value x, const Ints& kernel) {
  rt::Shape shape = NodeContext::shape(x);
  if (shape.rank < 3) {
    context.invalid(fmt::format(
        "its input has {} dimensions, batch, channels and at least one spatial axis are needed", shape.rank));
    return std::nullopt;
  }
  size_t n = static_cast<size_t>(shape.rank - 2);
  Window w;
  w.kernel = context.ints("kernel_shape", kernel);
  if (!kernel.empty() && w.kernel != kernel) {
    context.invalid(fmt::format("attribute 'kernel_shape' is {}, the weights have {}", dimsText(w.kernel),
                                dimsText(kernel)));
    return std::nullopt;
  }
  auto strides = perSpatialAxis(context, "strides", n, 1);
  auto dilations = perSpatialAxis(context, "dilations", n, 1);
  auto pads = perSpatialAxis(context, "pads", 2 * n, 0);
  if (w.kernel.size() != n)
    context.invalid(
        fmt::format("attribute 'kernel_shape' has {} entries, {} are needed", w.kernel.size(), n));
  if (context.failed()) return std::nullopt;
  w.strides = *strides, w.dilations = *dilations, w.pads = *pads;
  if (!checkWindow(context, w)) return std::nullopt;
  std::string autoPad = context.text("auto_pad", "NOTSET");
  bool ceilMode = context.flag("ceil_mode");
  if (autoPad == "VALID") w.pads.assign(2 * n, 0), ceilMode = false;
  w.sizes.assign(n, 0);
  for (size_t i = 0; i < n; ++i) {
    if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER")
      padSame(w, i, shape[i + 2], autoPad == "SAME_UPPER");
    else
      sizeFromPads(w, i, shape[i + 2], ceilMode ? Rounding::CeilInside : Rounding::Floor);
  }
  Ints in(shape.dim + 2, shape.dim + shape.rank);
  if (!checkWindowFits(context, w, in)) return std::nullopt;
  return w;
}

} // namespace burin::onnx
