// Convolutions. Weights are [spatial..., in, out].
#include "lib/import/tensorflow/layout.h"

#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
// [spatial..., a, b] -> [b, a, spatial...]
Value kernelFirst(RuleContext& c, Value w) {
  int64_t rank = RuleContext::rank(w);
  Ints perm = {rank - 1, rank - 2};
  for (int64_t i = 0; i < rank - 2; ++i) perm.push_back(i);
  return c.transpose(w, perm);
}

bool ranksFit(RuleContext& c, Value x, Value w, int64_t rank) {
  if (RuleContext::rank(x) == rank && RuleContext::rank(w) == rank) return true;
  c.invalid(fmt::format("its input has {} dimensions, its weights {}; {} are needed", RuleContext::rank(x),
                        RuleContext::rank(w), rank));
  return false;
}

Value emitConv(RuleContext& c, Value x, Value w, const Window& window, int64_t groups) {
  return c.emit("conv", {x, w, c.none()},
                c.attrs()
                    .ints("strides", window.strides)
                    .ints("dilations", window.dilations)
                    .ints("pads", window.pads)
                    .i("groups", groups));
}

Ints kernelOf(Value w) { // of weights in TensorFlow's order
  Ints dims = RuleContext::dims(w);
  return Ints(dims.begin(), dims.end() - 2);
}

// Conv2D, Conv3D. Weights for fewer input channels mean groups.
void importConv(RuleContext& c, Attributes& a) {
  Value x = c.in(0), w = c.in(1);
  if (!ranksFit(c, x, w, c.type() == "Conv3D" ? 5 : 4)) return;
  x = enter(c, a, x);
  if (!x) return;
  auto window = readWindow(c, a, RuleContext::dims(x), kernelOf(w));
  if (!window) return;
  int64_t channels = RuleContext::dims(x)[1], perGroup = RuleContext::dims(w)[kernelOf(w).size()];
  if (perGroup < 1 || channels % perGroup)
    return c.invalid(fmt::format("its weights take {} channels, its input has {}", perGroup, channels));
  c.set(0, leave(c, a, emitConv(c, x, kernelFirst(c, w), *window, channels / perGroup)));
}

// Weights [h, w, channels, multiplier]; output channel c * multiplier + m.
void importDepthwise(RuleContext& c, Attributes& a) {
  Value x = c.in(0), w = c.in(1);
  if (!ranksFit(c, x, w, 4)) return;
  x = enter(c, a, x);
  if (!x) return;
  auto window = readWindow(c, a, RuleContext::dims(x), kernelOf(w));
  if (!window) return;
  Ints dims = RuleContext::dims(w);
  Value weights = c.reshape(c.transpose(w, {2, 3, 0, 1}), {dims[2] * dims[3], 1, dims[0], dims[1]});
  c.set(0, leave(c, a, emitConv(c, x, weights, *window, dims[2])));
}

// Gradient of Conv2D or Conv3D: sizes of the result, weights [spatial..., out, in], x.
void importTransposed(RuleContext& c, Attributes& a) {
  auto sizes = c.constantInts(0, "output shape");
  Value w = c.in(1), x = c.in(2);
  if (!sizes || !ranksFit(c, x, w, c.type() == "Conv2DBackpropInput" ? 4 : 5)) return;
  int64_t rank = RuleContext::rank(x);
  x = enter(c, a, x);
  Ints in = RuleContext::dims(x);
  if (!x) return;
  if (sizes->size() == in.size() - 2) { // of newer graphs: spatial only
    sizes->insert(isChannelsLast(a) ? sizes->end() : sizes->begin(), 0);
    sizes->insert(sizes->begin(), 0);
  }
  if (sizes->size() != in.size())
    return c.invalid(fmt::format("its output shape has {} entries, {} are needed", sizes->size(), rank));
  // The window runs over the result as a forward convolution's over its input.
  Ints forward = {1, 1};
  for (int64_t i = 0; i < rank - 2; ++i)
    forward.push_back((*sizes)[static_cast<size_t>(i + (isChannelsLast(a) ? 1 : 2))]);
  for (int64_t size : forward)
    if (size < 1 || size > int64_t(1) << 31) return c.invalid(fmt::format("its output shape holds {}", size));
  auto window = readWindow(c, a, forward, kernelOf(w));
  if (!window) return;
  size_t n = window->kernel.size();
  Ints outputPads;
  for (size_t i = 0; i < n; ++i) {
    if (window->sizes[i] != in[i + 2])
      return c.invalid(fmt::format("its output of {} belongs to an input of {}, not {}", forward[i + 2],
                                   window->sizes[i], in[i + 2]));
    int64_t made = (in[i + 2] - 1) * window->strides[i] - window->pads[i] - window->pads[i + n] +
                   (window->kernel[i] - 1) * window->dilations[i] + 1;
    outputPads.push_back(forward[i + 2] - made);
  }
  Value y = c.emit("conv_transpose", {x, kernelFirst(c, w), c.none()},
                   c.attrs()
                       .ints("strides", window->strides)
                       .ints("dilations", window->dilations)
                       .ints("pads", window->pads)
                       .ints("output_pads", outputPads)
                       .i("groups", 1));
  c.set(0, leave(c, a, y));
}

const OperatorRow kRows[] = {
    {"Conv2D", importConv, 2, 2, "", "model"},
    {"Conv3D", importConv, 2, 2},
    {"DepthwiseConv2dNative", importDepthwise, 2, 2, "", "model"},
    {"Conv2DBackpropInput", importTransposed, 3, 3},
    {"Conv3DBackpropInputV2", importTransposed, 3, 3},
};
} // namespace

const OperatorTable<OperatorRow> kConvolutionOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
