// Pictures of another size.
#include "lib/import/tflite/operators.h"

#include <fmt/format.h>

namespace burin::tflite {

namespace {
// [N, H, W, C] to the height and width of the second input.
void emitResize(NodeContext& c, const char* mode, bool alignCorners, bool halfPixel) {
  auto size = c.constantInts(1, "size");
  Value x = c.channelsFirst(c.real(0));
  if (!size || c.failed()) return;
  Ints dims = NodeContext::dims(x), sizes = dims;
  std::vector<float> scales(dims.size(), 1.0f);
  if (size->size() != 2 || dims.size() != 4) return c.invalid("its size does not name height and width");
  for (size_t i = 0; i < 2; ++i) {
    sizes[i + 2] = (*size)[i];
    if (sizes[i + 2] < 1 || sizes[i + 2] > (int64_t(1) << 31) || dims[i + 2] < 1)
      return c.invalid(fmt::format("its size {} is not possible", sizes[i + 2]));
    scales[i + 2] = static_cast<float>(static_cast<double>(sizes[i + 2]) / static_cast<double>(dims[i + 2]));
  }
  nn::AttrList list = c.attrs();
  list.s("mode", mode).ints("sizes", sizes).floats("scales", scales);
  list.s("coordinate", alignCorners ? "align_corners" : halfPixel ? "half_pixel" : "asymmetric");
  // Nearest reads floor((i + 0.5) / scale) or round(i * corner scale); else floor(i / scale).
  if (std::string(mode) == "nearest")
    list.s("nearest", alignCorners || halfPixel ? "round_prefer_ceil" : "floor");
  c.give(0, c.channelsLast(c.emit("resize", {x}, list)));
}

void importResizeBilinear(NodeContext& c) {
  const auto& o = c.options<tfl::ResizeBilinearOptions>();
  emitResize(c, "linear", o.align_corners(), o.half_pixel_centers());
}

void importResizeNearest(NodeContext& c) {
  const auto& o = c.options<tfl::ResizeNearestNeighborOptions>();
  emitResize(c, "nearest", o.align_corners(), o.half_pixel_centers());
}

const OperatorRow kRows[] = {
    {"RESIZE_BILINEAR", importResizeBilinear, 2, 2, "model"},
    {"RESIZE_NEAREST_NEIGHBOR", importResizeNearest, 2, 2, "model"},
};
} // namespace

const OperatorTable<OperatorRow> kResizeOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite
