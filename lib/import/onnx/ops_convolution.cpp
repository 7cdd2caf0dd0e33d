// Conv, ConvTranspose, FusedConv, Col2Im.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"
#include "lib/import/onnx/window.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace burin::onnx {

namespace {
bool within(const Ints& values, int64_t low, int64_t high) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v >= low && v <= high; });
}

Ints kernelOf(NodeContext& c, Value w) {
  Ints dims = NodeContext::dims(w);
  if (dims.size() != NodeContext::dims(c.in(0)).size() || dims.size() < 3) {
    c.invalid(
        fmt::format("its weights have {} dimensions, its input {}", dims.size(), NodeContext::rank(c.in(0))));
    return {};
  }
  return Ints(dims.begin() + 2, dims.end());
}
} // namespace

Value emitConv(NodeContext& c, Value x, Value w, Value bias) {
  if (NodeContext::rank(x) != NodeContext::rank(w) || NodeContext::rank(x) < 3) {
    c.invalid(fmt::format("its weights have {} dimensions, its input {}", NodeContext::rank(w),
                          NodeContext::rank(x)));
    return {};
  }
  Ints dims = NodeContext::dims(w);
  auto window = readWindow(c, x, Ints(dims.begin() + 2, dims.end()));
  if (!window) return {};
  return c.emit("conv", {x, w, bias},
                c.attrs()
                    .ints("strides", window->strides)
                    .ints("dilations", window->dilations)
                    .ints("pads", window->pads)
                    .i("groups", c.integer("group", 1)));
}

namespace {
void importConv(NodeContext& c) { c.set(0, emitConv(c, c.in(0), c.in(1), c.inOrNone(2))); }

// com.microsoft FusedConv: Conv, an optional addend, an activation.
void importFusedConv(NodeContext& c) {
  Value y = emitConv(c, c.in(0), c.in(1), c.inOrNone(2));
  if (c.has(3)) y = c.add(y, c.in(3));
  c.set(0, namedActivation(c, y, c.text("activation"), c.floats("activation_params")));
}

// Pads that give `output_shape`, or in * stride for auto_pad SAME. What would be a negative pad enlarges the
// output.
void padForOutput(Ints& pads, Ints& outputPads, size_t axis, int64_t total, bool upper) {
  size_t n = outputPads.size();
  if (total < 0) {
    pads[axis] = pads[axis + n] = 0;
    outputPads[axis] += -total;
    return;
  }
  pads[axis] = upper ? total / 2 : total - total / 2;
  pads[axis + n] = total - pads[axis];
}

void importConvTranspose(NodeContext& c) {
  Ints kernel = kernelOf(c, c.in(1));
  if (c.failed()) return;
  size_t n = kernel.size();
  auto strides = perSpatialAxis(c, "strides", n, 1), dilations = perSpatialAxis(c, "dilations", n, 1);
  auto pads = perSpatialAxis(c, "pads", 2 * n, 0), outputPads = perSpatialAxis(c, "output_padding", n, 0);
  Ints wanted = c.ints("output_shape");
  std::string autoPad = c.text("auto_pad", "NOTSET");
  if (wanted.size() == n + 2)
    wanted.erase(wanted.begin(), wanted.begin() + 2); // some exporters write all dimensions
  if (!wanted.empty() && wanted.size() != n)
    c.invalid(fmt::format("attribute 'output_shape' has {} entries, {} are needed", wanted.size(), n));
  if (c.failed()) return;
  bool upper = autoPad == "SAME_UPPER", same = upper || autoPad == "SAME_LOWER";
  if (autoPad == "VALID") pads->assign(2 * n, 0);
  Ints in = NodeContext::dims(c.in(0));
  if (!within(*strides, 1, 1 << 24) || !within(*dilations, 1, 1 << 24) || !within(*outputPads, 0, 1 << 24) ||
      !within(wanted, 1, 1LL << 31) || !within(kernel, 1, 1LL << 31) || !within(in, 0, 1LL << 31))
    return c.invalid("a stride, dilation or size is out of range");
  for (size_t i = 0; i < n && (same || !wanted.empty()); ++i) {
    int64_t full = (*strides)[i] * (in[i + 2] - 1) + (*outputPads)[i] + (kernel[i] - 1) * (*dilations)[i] + 1;
    padForOutput(*pads, *outputPads, i, full - (wanted.empty() ? in[i + 2] * (*strides)[i] : wanted[i]),
                 upper);
  }
  c.set(0, c.emit("conv_transpose", {c.in(0), c.in(1), c.inOrNone(2)},
                  c.attrs()
                      .ints("strides", *strides)
                      .ints("dilations", *dilations)
                      .ints("pads", *pads)
                      .ints("output_pads", *outputPads)
                      .i("groups", c.integer("group", 1))));
}

// Overlapping blocks summed into an image: a transposed convolution whose kernel routes channel (c, k) to
// channel c at kernel position k, with weight one.
void importCol2Im(NodeContext& c) {
  auto image = c.constantInts(1, "image_shape"), block = c.constantInts(2, "block_shape");
  if (!image || !block) return;
  size_t n = block->size();
  Ints dims = NodeContext::dims(c.in(0));
  auto strides = perSpatialAxis(c, "strides", n, 1), dilations = perSpatialAxis(c, "dilations", n, 1);
  auto pads = perSpatialAxis(c, "pads", 2 * n, 0);
  if (c.failed()) return;
  if (!within(*image, 1, 1LL << 31) || !within(*strides, 1, 1 << 24) || !within(*dilations, 1, 1 << 24) ||
      !within(*pads, 0, 1 << 24))
    return c.invalid("a stride, dilation, pad or size is out of range");
  int64_t positions = 1;
  for (int64_t b : *block) positions = b > 0 && b < 65536 && positions < 65536 ? positions * b : 0;
  if (dims.size() != 3 || image->size() != n || n < 1 || n > 3 || positions < 1 || dims[1] % positions ||
      dims[1] / positions > 65536 || positions > 4096)
    return c.invalid("its input, image_shape and block_shape do not fit together");
  int64_t channels = dims[1] / positions;
  Ints grid = {dims[0], dims[1]}, outputPads, kernel = {dims[1], 1};
  for (size_t i = 0; i < n; ++i) {
    int64_t room = (*image)[i] + (*pads)[i] + (*pads)[i + n] - (*dilations)[i] * ((*block)[i] - 1) - 1;
    if (room < 0) return c.invalid("its blocks do not fit into the image");
    grid.push_back(room / (*strides)[i] + 1);
    outputPads.push_back(room % (*strides)[i]);
    kernel.push_back((*block)[i]);
  }
  // Grouped by channel: group g holds the rows (g, k); its kernel is the identity over k.
  std::vector<float> eye(static_cast<size_t>(positions * positions), 0.0f);
  for (int64_t k = 0; k < positions; ++k) eye[static_cast<size_t>(k * positions + k)] = 1.0f;
  Ints eyeShape = kernel;
  eyeShape[0] = positions;
  Value one = c.constant(eye, eyeShape);
  Value weights = channels == 1 ? one : c.concat(std::vector<Value>(static_cast<size_t>(channels), one), 0);
  c.set(0, c.emit("conv_transpose", {c.reshape(c.in(0), grid), weights, c.none()},
                  c.attrs()
                      .ints("strides", *strides)
                      .ints("dilations", *dilations)
                      .ints("pads", *pads)
                      .ints("output_pads", outputPads)
                      .i("groups", channels)));
}

const OperatorRow kRows[] = {
    {"Conv", importConv, 2, 3},
    {"ConvTranspose", importConvTranspose, 2, 3},
    {"Col2Im", importCol2Im, 3, 3},
    {"com.microsoft:FusedConv", importFusedConv, 2, 4},
};
} // namespace

const OperatorTable<OperatorRow> kConvolutionOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
