// Convolutions and pooling over windows.
#include "lib/import/tflite/operators.h"

#include <fmt/format.h>

namespace burin::tflite {

namespace {
constexpr int64_t kMaxWindowValue = int64_t(1) << 24; // keeps window arithmetic far from overflow

// Pads, dilations and output sizes for spatial axes of `in` (the shape [N, C, spatial...]).
std::optional<Window> windowOf(NodeContext& c, const Ints& in, Window w, tfl::Padding padding) {
  for (const Ints* values : {&w.kernel, &w.strides, &w.dilations})
    for (int64_t v : *values)
      if (v < 1 || v > kMaxWindowValue) {
        c.invalid(fmt::format("its window holds {}", v));
        return std::nullopt;
      }
  if (w.kernel.size() + 2 != in.size()) {
    c.invalid(fmt::format("its input has {} dimensions, its window {}", in.size(), w.kernel.size()));
    return std::nullopt;
  }
  w.pads.assign(2 * w.kernel.size(), 0);
  w.sizes.assign(w.kernel.size(), 0);
  if (!c.op().dilations.empty()) w.dilations = c.op().dilations, w.pads = c.op().pads;
  for (size_t axis = 0; axis < w.kernel.size(); ++axis) {
    if (padding == tfl::Padding::SAME)
      padSame(w, axis, in[axis + 2], true);
    else
      sizeFromPads(w, axis, in[axis + 2]);
    if (w.sizes[axis] > 0) continue;
    c.invalid(fmt::format("its window of {} does not fit into its input of {}",
                          (w.kernel[axis] - 1) * w.dilations[axis] + 1, in[axis + 2]),
              "check --input-shapes; the input may be too small for this network");
    return std::nullopt;
  }
  return w;
}

Value emitConv(NodeContext& c, Value x, Value w, Value bias, const Window& window, int64_t groups) {
  return c.emit("conv", {x, w, bias},
                c.attrs()
                    .ints("strides", window.strides)
                    .ints("dilations", window.dilations)
                    .ints("pads", window.pads)
                    .i("groups", groups));
}

// Weights [O, spatial..., C / groups].
void importConv2d(NodeContext& c) {
  const auto& o = c.options<tfl::Conv2DOptions>();
  Value x = c.channelsFirst(c.real(0)), w = c.realTransposed(1, {0, 3, 1, 2});
  if (c.failed()) return;
  Ints in = NodeContext::dims(x), kernel = NodeContext::dims(w);
  auto window = windowOf(
      c, in, {{kernel[2], kernel[3]}, {o.stride_h(), o.stride_w()}, {o.dilation_h(), o.dilation_w()}, {}, {}},
      o.padding());
  if (!window) return;
  if (kernel[1] < 1 || in[1] % kernel[1])
    return c.invalid(fmt::format("its input has {} channels, its weights {}", in[1], kernel[1]));
  Value y = emitConv(c, x, w, c.bias(2, 0, 1), *window, in[1] / kernel[1]);
  c.give(0, c.channelsLast(c.activated(y, o.activation())));
}

// Weights [1, H, W, O]: output channel o reads input channel o / multiplier.
void importDepthwiseConv2d(NodeContext& c) {
  const auto& o = c.options<tfl::DepthwiseConv2DOptions>();
  Value x = c.channelsFirst(c.real(0)), w = c.realTransposed(1, {3, 0, 1, 2});
  if (c.failed()) return;
  Ints in = NodeContext::dims(x), kernel = NodeContext::dims(w);
  auto window = windowOf(
      c, in, {{kernel[2], kernel[3]}, {o.stride_h(), o.stride_w()}, {o.dilation_h(), o.dilation_w()}, {}, {}},
      o.padding());
  if (!window) return;
  if (kernel[1] != 1 || in[1] < 1 || kernel[0] % in[1])
    return c.invalid(fmt::format("its weights {} do not fit an input of {} channels",
                                 dimsText(NodeContext::dims(c.in(1))), in[1]));
  Value y = emitConv(c, x, w, c.bias(2, 0, 1), *window, in[1]);
  c.give(0, c.channelsLast(c.activated(y, o.activation())));
}

// Weights [D, H, W, C, O].
void importConv3d(NodeContext& c) {
  const auto& o = c.options<tfl::Conv3DOptions>();
  Value x = c.channelsFirst(c.real(0)), w = c.realTransposed(1, {4, 3, 0, 1, 2});
  if (c.failed()) return;
  Ints in = NodeContext::dims(x), kernel = NodeContext::dims(w);
  auto window = windowOf(c, in,
                         {{kernel[2], kernel[3], kernel[4]},
                          {o.stride_d(), o.stride_h(), o.stride_w()},
                          {o.dilation_d(), o.dilation_h(), o.dilation_w()},
                          {},
                          {}},
                         o.padding());
  if (!window) return;
  Value y = emitConv(c, x, w, c.bias(2, 0, 1), *window, 1);
  c.give(0, c.channelsLast(c.activated(y, o.activation())));
}

// Output shape, weights [O, H, W, C], input, bias. The pads are those of the convolution that leads from the
// output back to the input.
void importTransposeConv(NodeContext& c) {
  const auto& o = c.options<tfl::TransposeConvOptions>();
  auto shape = c.constantInts(0, "output shape");
  Value x = c.channelsFirst(c.real(2)), w = c.realTransposed(1, {3, 0, 1, 2});
  if (c.failed() || !shape) return;
  Ints in = NodeContext::dims(x), kernel = NodeContext::dims(w);
  if (shape->size() != 4 || (*shape)[1] > kMaxWindowValue || (*shape)[2] > kMaxWindowValue)
    return c.invalid(fmt::format("its output shape is {}", dimsText(*shape)));
  auto window = windowOf(c, {in[0], kernel[1], (*shape)[1], (*shape)[2]},
                         {{kernel[2], kernel[3]}, {o.stride_h(), o.stride_w()}, {1, 1}, {}, {}}, o.padding());
  if (!window) return;
  Ints pads = window->pads, extra(2, 0);
  for (size_t axis = 0; axis < 2; ++axis) {
    const int64_t full = (in[axis + 2] - 1) * window->strides[axis] + window->kernel[axis];
    const int64_t end = full - pads[axis] - (*shape)[axis + 1];
    pads[axis + 2] = std::max<int64_t>(end, 0);
    extra[axis] = std::max<int64_t>(-end, 0);
  }
  Value y = c.emit("conv_transpose", {x, w, c.bias(3, 2, 1)},
                   c.attrs()
                       .ints("strides", window->strides)
                       .ints("dilations", {1, 1})
                       .ints("pads", pads)
                       .ints("output_pads", extra)
                       .i("groups", 1));
  c.give(0, c.channelsLast(c.activated(y, o.activation())));
}

// L2 pooling is the root of the mean of squares.
void importPool2d(NodeContext& c) {
  const auto& o = c.options<tfl::Pool2DOptions>();
  const std::string kind = c.row().variant;
  Value x = c.channelsFirst(c.real(0));
  if (c.failed()) return;
  auto window =
      windowOf(c, NodeContext::dims(x),
               {{o.filter_h(), o.filter_w()}, {o.stride_h(), o.stride_w()}, {1, 1}, {}, {}}, o.padding());
  if (!window) return;
  Value y;
  if (kind == "max")
    y = c.emit("max_pool", {x}, poolAttrs(c, *window));
  else
    y = c.emit("avg_pool", {kind == "l2" ? c.unary("square", x) : x}, poolAttrs(c, *window));
  if (kind == "l2") y = c.unary("sqrt", y);
  c.give(0, c.channelsLast(c.activated(y, o.activation())));
}

const OperatorRow kRows[] = {
    {"CONV_2D", importConv2d, 2, 3, "model"},
    {"DEPTHWISE_CONV_2D", importDepthwiseConv2d, 2, 3, "model"},
    {"CONV_3D", importConv3d, 2, 3, "fixture"},
    {"TRANSPOSE_CONV", importTransposeConv, 3, 4, "fixture"},
    {"AVERAGE_POOL_2D", importPool2d, 1, 1, "model", "mean"},
    {"MAX_POOL_2D", importPool2d, 1, 1, "model", "max"},
    {"L2_POOL_2D", importPool2d, 1, 1, "fixture", "l2"},
};
} // namespace

const OperatorTable<OperatorRow> kConvolutionOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite
