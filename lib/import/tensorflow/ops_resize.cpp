// Resizing of images, always channels-last; crops of them.
#include "lib/import/tensorflow/layout.h"

#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
constexpr const char* coordinateOf(bool corners, bool halfPixel) {
  return corners ? "align_corners" : halfPixel ? "half_pixel" : "asymmetric";
}

// Positions are x * scale, (x + 0.5) * scale - 0.5, or corner to corner. Nearest takes the pixel below the
// unshifted position, with aligned corners the closer one.
void setMode(nn::AttrList& list, const std::string& mode, bool corners, bool halfPixel) {
  list.s("mode", mode).s("coordinate", coordinateOf(corners, halfPixel));
  if (mode == "nearest") list.s("nearest", corners || halfPixel ? "round_prefer_ceil" : "floor");
  if (mode != "cubic") return;
  // The half-pixel kernel is Catmull-Rom's and leaves out pixels beyond the border; the old one repeats them.
  list.f("cubic_a", halfPixel ? -0.5f : -0.75f);
  if (halfPixel) list.b("exclude_outside", true);
}

void importResize(RuleContext& c, Attributes& a) {
  auto size = c.constantInts(1, "size");
  if (!size) return;
  Ints dims = RuleContext::dims(c.in(0));
  if (dims.size() != 4 || size->size() != 2)
    return c.invalid(
        fmt::format("its input has {} dimensions, its size {} entries", dims.size(), size->size()));
  for (int64_t s : *size)
    if (s < 1 || s > int64_t(1) << 31) return c.invalid(fmt::format("its size holds {}", s));
  if (dims[1] < 1 || dims[2] < 1) return c.invalid("its input is empty");
  bool corners = a.flag("align_corners"), halfPixel = a.flag("half_pixel_centers");
  if (corners && halfPixel) return c.invalid("align_corners and half_pixel_centers exclude each other");
  auto scale = [&](size_t i) { return static_cast<float>((*size)[i]) / static_cast<float>(dims[i + 1]); };
  nn::AttrList list = c.attrs();
  list.ints("sizes", {dims[0], dims[3], (*size)[0], (*size)[1]}).floats("scales", {1, 1, scale(0), scale(1)});
  setMode(list, a.variant(), corners, halfPixel);
  Value x = c.in(0);
  // Bilinear gives float32 for images of bytes.
  if (a.variant() != std::string("nearest")) x = c.cast(x, rt::DType::F32);
  c.set(0, channelsLast(c, c.emit("resize", {channelsFirst(c, x)}, list)));
}

// Positions of `count` samples over [from, to] of every box, in pixels: [boxes, count].
Value positions(RuleContext& c, Value from, Value to, int64_t pixels, int64_t count) {
  const rt::DType f32 = rt::DType::F32;
  Value last = c.scalar(static_cast<double>(pixels - 1), f32);
  if (count == 1) // the middle
    return c.mul(c.mul(c.add(from, to), c.scalar(0.5, f32)), last);
  std::vector<float> steps;
  for (int64_t i = 0; i < count; ++i) steps.push_back(static_cast<float>(i));
  Value step = c.div(c.mul(c.sub(to, from), last), c.scalar(static_cast<double>(count - 1), f32));
  return c.add(c.mul(from, last), c.mul(step, c.constant(steps, {1, count})));
}

// From pixels to the -1..1 of a sampling grid with aligned corners.
Value normalized(RuleContext& c, Value at, int64_t pixels) {
  if (pixels == 1) return c.mul(at, c.scalar(0, rt::DType::F32));
  return c.sub(c.mul(at, c.scalar(2.0 / static_cast<double>(pixels - 1), rt::DType::F32)),
               c.scalar(1, rt::DType::F32));
}

Value within(RuleContext& c, Value at, int64_t pixels) {
  return c.binary("and", c.binary("greater_equal", at, c.scalar(0, rt::DType::F32)),
                  c.binary("less_equal", at, c.scalar(static_cast<double>(pixels - 1), rt::DType::F32)));
}

// Image [n, h, w, channels], boxes (y1, x1, y2, x2) in parts of the image, the image of each box, size of the
// crops. Samples outside of the image are the extrapolation value.
void importCropAndResize(RuleContext& c, Attributes& a) {
  auto size = c.constantInts(3, "crop size");
  if (!size) return;
  Ints dims = RuleContext::dims(c.in(0)), boxDims = RuleContext::dims(c.in(1));
  if (dims.size() != 4 || boxDims.size() != 2 || boxDims[1] != 4 || size->size() != 2 || dims[1] < 1 ||
      dims[2] < 1 || (*size)[0] < 1 || (*size)[1] < 1 || (*size)[0] > 65536 || (*size)[1] > 65536)
    return c.invalid("its image, boxes and crop size do not fit together");
  std::string method = a.text("method", "bilinear");
  if (method != "bilinear") return c.unsupported(fmt::format("its method '{}' is not supported", method));
  Value y1 = c.slice(c.in(1), 1, 0, 1), x1 = c.slice(c.in(1), 1, 1, 1), y2 = c.slice(c.in(1), 1, 2, 1),
        x2 = c.slice(c.in(1), 1, 3, 1);
  const int64_t boxes = boxDims[0], height = (*size)[0], width = (*size)[1];
  Ints grid = {boxes, height, width};
  auto spread = [&](Value row, bool vertical) {
    return c.expand(c.reshape(row, vertical ? Ints{boxes, height, 1} : Ints{boxes, 1, width}), grid);
  };
  Value y = spread(positions(c, y1, y2, dims[1], height), true),
        x = spread(positions(c, x1, x2, dims[2], width), false);
  Value inside =
      c.reshape(c.binary("and", within(c, y, dims[1]), within(c, x, dims[2])), {boxes, 1, height, width});
  Value at =
      c.concat({c.unsqueeze(normalized(c, x, dims[2]), 3), c.unsqueeze(normalized(c, y, dims[1]), 3)}, 3);
  Value images = c.gather(channelsFirst(c, c.cast(c.in(0), rt::DType::F32)), c.in(2), 0);
  Value crops = c.emit("grid_sample", {images, at},
                       c.attrs().s("mode", "linear").s("padding", "border").b("align_corners", true));
  crops =
      c.select(inside, crops, c.scalar(static_cast<double>(a.real("extrapolation_value")), rt::DType::F32));
  c.set(0, channelsLast(c, crops));
}

const OperatorRow kRows[] = {
    {"ResizeBilinear", importResize, 2, 2, "linear"},
    {"ResizeNearestNeighbor", importResize, 2, 2, "nearest"},
    {"ResizeBicubic", importResize, 2, 2, "cubic"},
    {"CropAndResize", importCropAndResize, 4, 4},
};
} // namespace

const OperatorTable<OperatorRow> kResizeOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
