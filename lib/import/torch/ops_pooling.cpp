// Pooling over windows, and to a given size.
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::torch {

namespace {
constexpr int64_t kMaxWindowValue = int64_t(1) << 31;

struct Window {
  Ints kernel, strides, pads, dilations, sizes;
};

// Adds a batch axis where the input has none: pooling over n axes takes n + 2.
Value batched(Call& c, Value x, size_t n) {
  return Call::rank(x) == static_cast<int64_t>(n) + 1 ? c.unsqueeze(x, 0) : x;
}
Value unbatched(Call& c, Value y, Value x) {
  return y && Call::rank(x) < Call::rank(y) ? c.squeeze(y, 0) : y;
}

int64_t outputSize(int64_t in, int64_t extent, int64_t pad, int64_t stride, bool ceil) {
  const int64_t room = in + 2 * pad - extent;
  if (room < 0) return 0;
  int64_t size = (ceil ? (room + stride - 1) / stride : room / stride) + 1;
  // A last window that would start behind the input is dropped.
  if (ceil && (size - 1) * stride >= in + pad) --size;
  return size;
}

// Of x, which has its batch axis.
std::optional<Window> windowOf(Call& c, Value x, size_t n, bool dilates) {
  Window w;
  w.kernel = c.integers("kernel_size", n);
  const List* stride = pointer<List>(c.data("stride"));
  const bool isDefault = !c.given("stride") || (stride && stride->items.empty());
  w.strides = isDefault ? w.kernel : c.integers("stride", n);
  w.pads = c.integers("padding", n);
  w.dilations = dilates ? c.integers("dilation", n) : Ints(n, 1);
  if (c.failed() || Call::rank(x) != static_cast<int64_t>(n) + 2) {
    c.invalid(fmt::format("its input has {} dimensions, {} are needed", Call::rank(x), n + 2));
    return std::nullopt;
  }
  for (size_t i = 0; i < n; ++i) {
    for (int64_t v : {w.kernel[i], w.strides[i], w.dilations[i]})
      if (v < 1 || v > kMaxWindowValue) c.invalid("its window is out of range");
    if (w.pads[i] < 0 || w.pads[i] > kMaxWindowValue) c.invalid("its padding is out of range");
    if (c.failed()) return std::nullopt;
    const int64_t in = Call::dims(x)[i + 2], extent = (w.kernel[i] - 1) * w.dilations[i] + 1;
    w.sizes.push_back(outputSize(in, extent, w.pads[i], w.strides[i], c.flag("ceil_mode")));
    if (w.sizes[i] < 1) {
      c.invalid(fmt::format("its window of {} does not fit into the padded input of {}", extent,
                            in + 2 * w.pads[i]),
                "check --input-shapes; the input may be too small for this network");
      return std::nullopt;
    }
  }
  return w;
}

nn::AttrList attributesOf(Call& c, const Window& w) {
  Ints pads = w.pads;
  pads.insert(pads.end(), w.pads.begin(), w.pads.end());
  return c.attrs()
      .ints("kernel", w.kernel)
      .ints("strides", w.strides)
      .ints("dilations", w.dilations)
      .ints("pads", pads)
      .ints("sizes", w.sizes);
}

size_t spatialAxes(Call& c) { return static_cast<size_t>(c.variant()[0] - '0'); }

void maxPool(Call& c) {
  const size_t n = spatialAxes(c);
  Value x = c.tensor("self"), from = x ? batched(c, x, n) : x;
  auto window = x ? windowOf(c, from, n, true) : std::nullopt;
  if (window) c.give(unbatched(c, c.emit("max_pool", {from}, attributesOf(c, *window)), x));
}
void maxPoolWithIndices(Call& c) {
  const size_t n = spatialAxes(c);
  Value x = c.tensor("self"), from = x ? batched(c, x, n) : x;
  auto window = x ? windowOf(c, from, n, true) : std::nullopt;
  if (!window) return;
  // Indices count within one channel, those of nn.max_pool_index through the whole tensor.
  std::vector<Value> results = c.emitAll("max_pool_index", {from}, attributesOf(c, *window));
  if (c.failed()) return;
  Ints dims = Call::dims(from);
  const int64_t plane = product(Ints(dims.begin() + 2, dims.end()));
  c.set(0, unbatched(c, results[0], x));
  c.set(1,
        unbatched(c, c.binary("mod", results[1], c.scalar(static_cast<double>(plane), rt::DType::I64)), x));
}

// Values go back to where the pooling found them. Indices count within one channel, those of nn.max_unpool
// through the whole result.
void maxUnpool(Call& c) {
  Value x = c.tensor("self"), index = c.indices("indices");
  const Ints size = c.integers("output_size");
  Ints dims = Call::dims(x);
  if (c.failed() || size.size() != 2 || dims.size() != 4 || product(size) < 1)
    return c.unsupported("it is supported for pictures with a batch axis only");
  const int64_t planes = dims[0] * dims[1], plane = product(size);
  if (!c.session().takeGeneratedBytes(8 * planes)) return c.unsupported("it has too many channels");
  Ints begins;
  for (int64_t i = 0; i < planes; ++i) begins.push_back(i * plane);
  Value begin = c.reshape(c.constant(begins), {dims[0], dims[1], 1, 1});
  dims[2] = size[0], dims[3] = size[1];
  c.give(
      c.emit("max_unpool", {x, c.add(c.cast(index, rt::DType::I64), begin)}, c.attrs().ints("sizes", dims)));
}

void averagePool(Call& c) {
  const size_t n = spatialAxes(c);
  Value x = c.tensor("self"), from = x ? batched(c, x, n) : x;
  auto window = x ? windowOf(c, from, n, false) : std::nullopt;
  if (!window) return;
  const bool counts = c.flag("count_include_pad");
  const std::string_view name = c.RuleContext::type();
  const bool hasDivisor = n > 1 && name.find("avg_pool1d") == name.npos && c.given("divisor_override");
  if (!hasDivisor)
    return c.give(
        unbatched(c, c.emit("avg_pool", {from}, attributesOf(c, *window).b("count_include_pad", counts)), x));
  // The sum over the window, divided by another number: only windows that lie within the padding have one
  // size.
  if (c.flag("ceil_mode")) return c.unsupported("divisor_override with ceil_mode is not supported");
  Value mean = c.emit("avg_pool", {from}, attributesOf(c, *window).b("count_include_pad", true));
  const double factor = static_cast<double>(product(window->kernel)) / c.real("divisor_override");
  c.give(unbatched(c, c.mul(mean, c.scalarLike(factor, mean)), x));
}

// Output i covers floor(i * in / out) to ceil((i + 1) * in / out). A multiple is a plain window; other sizes
// are put together from slices.
Value adaptive(Call& c, Value x, int64_t axis, int64_t out, bool isMax) {
  const int64_t in = Call::dims(x)[static_cast<size_t>(axis)];
  if (out == in) return x;
  if (out < 1 || out > 4096 || in < 1) {
    c.invalid(fmt::format("it cannot pool {} elements to {}", in, out));
    return x;
  }
  std::vector<Value> parts;
  for (int64_t i = 0; i < out; ++i) {
    const int64_t begin = i * in / out, end = ((i + 1) * in + out - 1) / out;
    parts.push_back(c.reduce(isMax ? "max" : "mean", c.slice(x, axis, begin, end - begin), {axis}, true));
  }
  return parts.size() == 1 ? parts[0] : c.concat(parts, axis);
}

void adaptivePool(Call& c) {
  const size_t n = spatialAxes(c);
  const bool isMax = c.RuleContext::type().find("max") != std::string::npos;
  Value x = c.tensor("self");
  if (!x || Call::rank(x) < static_cast<int64_t>(n) + 1) return c.invalid("its input has too few dimensions");
  const int64_t first = Call::rank(x) - static_cast<int64_t>(n);
  Ints sizes;
  const List* list = pointer<List>(c.data("output_size"));
  for (size_t i = 0; i < n; ++i) { // None keeps a dimension
    const Data item = list ? (list->items.size() == n ? list->items[i] : Data()) : c.data("output_size");
    sizes.push_back(integerOf(item).value_or(Call::dims(x)[static_cast<size_t>(first) + i]));
  }
  if (std::all_of(sizes.begin(), sizes.end(), [](int64_t s) { return s == 1; }))
    return c.give(c.reduce(isMax ? "max" : "mean", x, allAxes(Call::rank(x), first), true));
  Window w;
  bool divides = true;
  for (size_t i = 0; i < n; ++i) {
    const int64_t in = Call::dims(x)[static_cast<size_t>(first) + i];
    divides &= sizes[i] > 0 && in % sizes[i] == 0 && in > 0;
    w.kernel.push_back(divides ? in / sizes[i] : 1);
  }
  if (divides) {
    w.strides = w.kernel, w.pads.assign(n, 0), w.dilations.assign(n, 1), w.sizes = sizes;
    Value from = batched(c, x, n);
    return c.give(unbatched(c, c.emit(isMax ? "max_pool" : "avg_pool", {from}, attributesOf(c, w)), x));
  }
  for (size_t i = 0; i < n && !c.failed(); ++i)
    x = adaptive(c, x, first + static_cast<int64_t>(i), sizes[i], isMax);
  c.give(x);
}

#define MAX_POOL_ARGUMENTS                                                                                   \
  "Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=0, int[1] dilation=1, bool "            \
  "ceil_mode=False"
#define AVERAGE_POOL_ARGUMENTS                                                                               \
  "Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=0, bool ceil_mode=False, "              \
  "bool count_include_pad=True"

const OperatorRow kRows[] = {
    {"max_pool1d(" MAX_POOL_ARGUMENTS ")", maxPool, "1"},
    {"max_pool2d(" MAX_POOL_ARGUMENTS ")", maxPool, "2"},
    {"max_pool3d(" MAX_POOL_ARGUMENTS ")", maxPool, "3"},
    {"max_pool1d_with_indices(" MAX_POOL_ARGUMENTS ") -> (Tensor, Tensor)", maxPoolWithIndices, "1"},
    {"max_pool2d_with_indices(" MAX_POOL_ARGUMENTS ") -> (Tensor, Tensor)", maxPoolWithIndices, "2"},
    {"max_pool3d_with_indices(" MAX_POOL_ARGUMENTS ") -> (Tensor, Tensor)", maxPoolWithIndices, "3"},
    {"max_unpool2d(Tensor self, Tensor indices, int[2] output_size)", maxUnpool},
    {"avg_pool1d(" AVERAGE_POOL_ARGUMENTS ")", averagePool, "1"},
    {"avg_pool2d(" AVERAGE_POOL_ARGUMENTS ", int? divisor_override=None)", averagePool, "2"},
    {"avg_pool3d(" AVERAGE_POOL_ARGUMENTS ", int? divisor_override=None)", averagePool, "3"},
    {"adaptive_avg_pool1d(Tensor self, any output_size)", adaptivePool, "1"},
    {"adaptive_avg_pool2d(Tensor self, any output_size)", adaptivePool, "2"},
    {"adaptive_avg_pool3d(Tensor self, any output_size)", adaptivePool, "3"},
    {"adaptive_max_pool1d(Tensor self, any output_size) -> (Tensor, Tensor)", adaptivePool, "1"},
    {"adaptive_max_pool2d(Tensor self, any output_size) -> (Tensor, Tensor)", adaptivePool, "2"},
    {"adaptive_max_pool3d(Tensor self, any output_size) -> (Tensor, Tensor)", adaptivePool, "3"},
};
} // namespace

const OperatorTable<OperatorRow> kPoolingOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
