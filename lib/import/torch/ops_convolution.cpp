// Convolutions and their transposed form, in one, two and three dimensions.
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::torch {

namespace {
constexpr int64_t kMaxWindowValue = int64_t(1) << 31; // keeps products of window arithmetic far from overflow

bool inRange(Call& c, const char* what, const Ints& values, int64_t least) {
  bool valid = std::all_of(values.begin(), values.end(),
                           [&](int64_t v) { return v >= least && v <= kMaxWindowValue; });
  if (!valid) c.invalid(fmt::format("its {} is out of range", what));
  return valid;
}

Ints twice(const Ints& pads) {
  Ints both = pads;
  both.insert(both.end(), pads.begin(), pads.end());
  return both;
}

// Without a batch axis one is added for the operator's time.
bool addBatch(Call& c, Value& x, Value weight) {
  if (Call::rank(x) != Call::rank(weight) - 1) return false;
  x = c.unsqueeze(x, 0);
  return true;
}
} // namespace

Value emitConvolution(Call& c, Value x, Value weight, Value bias, const ConvolutionArguments& a) {
  if (!x || !weight) return {};
  if (Call::rank(weight) < 3) {
    c.invalid(fmt::format("its weights have {} dimensions", Call::rank(weight)));
    return {};
  }
  const size_t n = static_cast<size_t>(Call::rank(weight) - 2);
  auto spread = [&](Ints values) {
    if (values.size() == 1) values.assign(n, values.front());
    if (values.size() != n)
      c.invalid(fmt::format("it has {} window entries, {} are needed", values.size(), n));
    return values;
  };
  const Ints strides = spread(a.strides), pads = spread(a.pads), dilations = spread(a.dilations);
  if (c.failed() || !inRange(c, "stride", strides, 1) || !inRange(c, "padding", pads, 0) ||
      !inRange(c, "dilation", dilations, 1))
    return {};
  const bool batched = addBatch(c, x, weight);
  nn::AttrList list = c.attrs();
  list.ints("strides", strides).ints("dilations", dilations).ints("pads", twice(pads)).i("groups", a.groups);
  if (a.transposed) list.ints("output_pads", spread(a.outputPads));
  Value y = c.emit(a.transposed ? "conv_transpose" : "conv", {x, weight, bias ? bias : c.none()}, list);
  return batched ? c.squeeze(y, 0) : y;
}

namespace {
ConvolutionArguments windowOf(Call& c) {
  ConvolutionArguments a;
  a.strides = c.integers("stride"), a.pads = c.integers("padding"), a.dilations = c.integers("dilation");
  a.outputPads = {0};
  a.groups = c.integer("groups");
  return a;
}

void convolve(Call& c) {
  c.give(emitConvolution(c, c.tensor("input"), c.tensor("weight"), c.tensor("bias"), windowOf(c)));
}

// padding "valid" or "same"; the odd element goes to the end.
void convolveSame(Call& c) {
  ConvolutionArguments a;
  a.strides = c.integers("stride"), a.dilations = c.integers("dilation"), a.pads = {0}, a.outputPads = {0};
  a.groups = c.integer("groups");
  Value x = c.tensor("input"), weight = c.tensor("weight");
  if (c.string("padding") == "same" && x && weight) {
    const int64_t n = Call::rank(weight) - 2, rank = Call::rank(x);
    Ints dilations = c.integers("dilation", static_cast<size_t>(n)), pads(static_cast<size_t>(2 * rank), 0);
    for (int64_t i = 0; i < n && !c.failed(); ++i) {
      const int64_t total =
          dilations[static_cast<size_t>(i)] * (Call::dims(weight)[static_cast<size_t>(i + 2)] - 1);
      const auto axis = static_cast<size_t>(rank - n + i);
      pads[axis] = total / 2;
      pads[axis + static_cast<size_t>(rank)] = total - total / 2;
    }
    if (c.failed() || !inRange(c, "padding", pads, 0)) return;
    x = c.emit("pad", {x}, c.attrs().ints("pads", pads).s("mode", "constant").f("value", 0));
  }
  c.give(emitConvolution(c, x, weight, c.tensor("bias"), a));
}

void convolveTransposed(Call& c) {
  ConvolutionArguments a = windowOf(c);
  a.outputPads = c.integers("output_padding");
  a.transposed = true;
  c.give(emitConvolution(c, c.tensor("input"), c.tensor("weight"), c.tensor("bias"), a));
}

void convolveGeneral(Call& c) {
  ConvolutionArguments a = windowOf(c);
  a.outputPads = c.integers("output_padding");
  a.transposed = c.flag("transposed");
  c.give(emitConvolution(c, c.tensor("input"), c.tensor("weight"), c.tensor("bias"), a));
}

// Kernels that each see one place of a window: [channels * places, 1, height, width].
Value windowKernels(Call& c, int64_t channels, const Ints& window) {
  const int64_t places = product(window);
  if (places < 1 || channels < 1 || places > int64_t(1) << 16 ||
      channels > (int64_t(1) << 30) / (places * places)) {
    c.unsupported(fmt::format("windows of {} in {} channels are too large", dimsText(window), channels));
    return {};
  }
  std::vector<float> kernels(static_cast<size_t>(channels * places * places), 0.0f);
  for (int64_t i = 0; i < channels * places; ++i) kernels[static_cast<size_t>(i * places + i % places)] = 1;
  return c.constant(kernels, {channels * places, 1, window[0], window[1]});
}

ConvolutionArguments unfoldingOf(Call& c, int64_t channels) {
  ConvolutionArguments a;
  a.strides = c.integers("stride", 2), a.pads = c.integers("padding", 2),
  a.dilations = c.integers("dilation", 2);
  a.outputPads = {0, 0};
  a.groups = channels;
  return a;
}

// The windows of a picture as columns: a convolution copies each place of the window into a channel of its
// own.
void pictureToColumns(Call& c) {
  Value x = c.tensor("self");
  if (Call::rank(x) != 4) return c.unsupported("pictures without a batch axis are not supported");
  const int64_t channels = Call::dims(x)[1];
  Value kernels = windowKernels(c, channels, c.integers("kernel_size", 2));
  Value y = emitConvolution(c, x, kernels, {}, unfoldingOf(c, channels));
  if (!y) return;
  const Ints d = Call::dims(y);
  c.give(c.reshape(y, {d[0], d[1], d[2] * d[3]}));
}

// The way back; where windows overlap, their values are added.
void columnsToPicture(Call& c) {
  Value x = c.tensor("self");
  const Ints size = c.integers("output_size", 2), window = c.integers("kernel_size", 2);
  const Ints d = Call::dims(x);
  if (c.failed() || d.size() != 3 || product(window) < 1 || d[1] % product(window))
    return c.invalid("its columns do not divide into windows");
  const int64_t channels = d[1] / product(window);
  ConvolutionArguments a = unfoldingOf(c, channels);
  a.transposed = true;
  Ints blocks;
  for (size_t i = 0; i < 2 && !c.failed(); ++i) {
    const int64_t extent = a.dilations[i] * (window[i] - 1) + 1, room = size[i] + 2 * a.pads[i] - extent;
    if (a.strides[i] < 1 || room < 0) return c.invalid("its window does not fit its output_size");
    blocks.push_back(room / a.strides[i] + 1);
    a.outputPads[i] = room % a.strides[i];
  }
  if (c.failed() || blocks[0] * blocks[1] != d[2])
    return c.invalid(fmt::format("{} columns are no {} windows", d[2], dimsText(blocks)));
  c.give(emitConvolution(c, c.reshape(x, {d[0], d[1], blocks[0], blocks[1]}),
                         windowKernels(c, channels, window), {}, a));
}

const OperatorRow kRows[] = {
    {"im2col(Tensor self, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride)",
     pictureToColumns},
    {"col2im(Tensor self, int[2] output_size, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] "
     "stride)",
     columnsToPicture},
    {"conv1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, int[1] padding=0, int[1] "
     "dilation=1, "
     "int groups=1)",
     convolve},
    {"conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, int[2] "
     "dilation=1, "
     "int groups=1)",
     convolve},
    {"conv3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, int[3] padding=0, int[3] "
     "dilation=1, "
     "int groups=1)",
     convolve},
    {"conv1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, str padding=valid, int[1] "
     "dilation=1, "
     "int groups=1)",
     convolveSame},
    {"conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, str padding=valid, int[2] "
     "dilation=1, "
     "int groups=1)",
     convolveSame},
    {"conv3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, str padding=valid, int[3] "
     "dilation=1, "
     "int groups=1)",
     convolveSame},
    {"conv_transpose1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, int[1] padding=0, "
     "int[1] output_padding=0, int groups=1, int[1] dilation=1)",
     convolveTransposed},
    {"conv_transpose2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, "
     "int[2] output_padding=0, int groups=1, int[2] dilation=1)",
     convolveTransposed},
    {"conv_transpose3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, int[3] padding=0, "
     "int[3] output_padding=0, int groups=1, int[3] dilation=1)",
     convolveTransposed},
    {"_convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, "
     "bool transposed, int[] output_padding, int groups, bool benchmark=False, bool deterministic=False, "
     "bool cudnn_enabled=True, bool allow_tf32=True)",
     convolveGeneral},
    {"convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, "
     "bool transposed, int[] output_padding, int groups)",
     convolveGeneral},
    {"_convolution_mode(Tensor input, Tensor weight, Tensor? bias, int[] stride, str padding, int[] "
     "dilation, int groups)",
     convolveSame},
};
} // namespace

const OperatorTable<OperatorRow> kConvolutionOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
