#include "lib/import/caffe/window.h"

#include <fmt/format.h>

namespace burin::caffe {

namespace {
constexpr int64_t kMaxWindowValue = int64_t(1) << 24;

// `field` once for all axes or once per axis, or "<name>_h" and "<name>_w".
Ints perAxis(LayerContext& c, const std::string& field, const std::string& name, size_t count,
             int64_t fallback, int64_t least) {
  const std::string high = name + "_h", wide = name + "_w";
  Ints values = c.params.integers(field.c_str());
  if (values.empty() && count == 2 && (c.params.has(high.c_str()) || c.params.has(wide.c_str())))
    values = {c.params.integer(high.c_str(), fallback), c.params.integer(wide.c_str(), fallback)};
  if (values.empty()) values = {fallback};
  if (values.size() == 1) values.assign(count, values[0]);
  if (values.size() != count)
    c.op.invalid(fmt::format("{} has {} entries, {} are needed", field, values.size(), count));
  for (int64_t value : values)
    if (value < least || value > kMaxWindowValue) c.op.invalid(fmt::format("{} is {}", field, value));
  return values;
}
} // namespace

std::optional<Window> readWindow(LayerContext& c, size_t count, bool global) {
  Window w;
  w.kernel = perAxis(c, "kernel_size", "kernel", count, global ? 1 : 0, 1);
  w.strides = perAxis(c, "stride", "stride", count, 1, 1);
  w.pads = perAxis(c, "pad", "pad", count, 0, 0);
  w.dilations = perAxis(c, "dilation", "dilation", count, 1, 1);
  const Ints before = w.pads; // the same behind
  w.pads.insert(w.pads.end(), before.begin(), before.end());
  if (c.op.failed()) return std::nullopt;
  return w;
}

} // namespace burin::caffe
