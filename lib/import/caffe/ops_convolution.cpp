// Convolution, deconvolution and inner product: the layers with matrices of weights.
#include "lib/import/caffe/operators.h"
#include "lib/import/caffe/window.h"

#include <cstring>
#include <fmt/format.h>

namespace burin::caffe {

namespace {
struct Filters {
  Window window;
  int64_t inputs, outputs, groups;
};

// One group per channel for the layers of forks that are named after it.
std::optional<Filters> readFilters(LayerContext& c) {
  const bool isDepthwise = std::strcmp(c.row.variant, "depthwise") == 0;
  if (c.rank() < 3 || c.axis("axis", 1) != 1) {
    c.op.unsupported(fmt::format("convolves a tensor of {} dimensions over axis {}", c.rank(),
                                 c.params.integer("axis", 1)));
    return std::nullopt;
  }
  auto window = readWindow(c, static_cast<size_t>(c.rank() - 2));
  if (!window) return std::nullopt;
  Filters f{*window, c.dims()[1], c.params.integer("num_output"), 1};
  if (isDepthwise && !c.params.has("num_output")) f.outputs = f.inputs;
  f.groups = isDepthwise ? f.inputs : c.params.integer("group", 1);
  if (f.outputs < 1 || f.groups < 1 || f.inputs % f.groups || f.outputs % f.groups) {
    c.op.invalid(fmt::format("{} channels cannot become {} in {} groups", f.inputs, f.outputs, f.groups));
    return std::nullopt;
  }
  return f;
}

Ints weightShape(int64_t outer, int64_t inner, const Ints& kernel) {
  Ints shape = {outer, inner};
  shape.insert(shape.end(), kernel.begin(), kernel.end());
  return shape;
}

Value biasOf(LayerContext& c, int64_t outputs) {
  return c.params.flag("bias_term", true) ? c.blob(1, "biases", {outputs}, "bias_filler") : c.op.none();
}

nn::AttrList windowAttrs(LayerContext& c, const Filters& f) {
  return c.op.attrs()
      .ints("strides", f.window.strides)
      .ints("dilations", f.window.dilations)
      .ints("pads", f.window.pads)
      .i("groups", f.groups);
}

void importConvolution(LayerContext& c) {
  auto f = readFilters(c);
  if (!f) return;
  Ints shape = weightShape(f->outputs, f->inputs / f->groups, f->window.kernel);
  Value w = c.blob(0, "weights", shape, "weight_filler"), bias = biasOf(c, f->outputs);
  c.op.set(0, c.op.emit("conv", {c.x, w, bias}, windowAttrs(c, *f)));
}

void importDeconvolution(LayerContext& c) {
  auto f = readFilters(c);
  if (!f) return;
  Ints shape = weightShape(f->inputs, f->outputs / f->groups, f->window.kernel);
  Value w = c.blob(0, "weights", shape, "weight_filler"), bias = biasOf(c, f->outputs);
  nn::AttrList attrs = windowAttrs(c, *f);
  attrs.ints("output_pads", Ints(f->window.kernel.size(), 0));
  c.op.set(0, c.op.emit("conv_transpose", {c.x, w, bias}, attrs));
}

// Everything from `axis` on is one vector.
void importInnerProduct(LayerContext& c) {
  const int64_t axis = c.axis("axis", 1), outputs = c.params.integer("num_output");
  if (outputs < 1) c.op.invalid(fmt::format("num_output is {}", outputs));
  if (c.op.failed()) return;
  Ints shape = c.dims();
  int64_t inputs = 1;
  for (size_t i = static_cast<size_t>(axis); i < shape.size(); ++i) inputs *= shape[i];
  shape.resize(static_cast<size_t>(axis));
  const bool transposed = c.params.flag("transpose", false);
  Value w = c.blob(0, "weights", transposed ? Ints{inputs, outputs} : Ints{outputs, inputs}, "weight_filler");
  Value bias = biasOf(c, outputs);
  shape.push_back(inputs);
  Value rows = c.op.reshape(c.x, axis ? shape : Ints{1, inputs});
  Value y = c.op.emit("matmul", {rows, w, bias}, c.op.attrs().b("trans_b", !transposed));
  c.op.set(0, axis ? y : c.op.reshape(y, {outputs}));
}

// One row of the table for every integer in the input.
void importEmbed(LayerContext& c) {
  const int64_t rows = c.params.integer("input_dim"), columns = c.params.integer("num_output");
  if (rows < 1 || columns < 1) return c.op.invalid("input_dim and num_output have to be positive");
  Value table = c.blob(0, "weights", {rows, columns}, "weight_filler");
  Value y = c.op.gather(table, c.op.cast(c.x, rt::DType::I64), 0);
  if (c.params.flag("bias_term", true)) y = c.op.add(y, c.blob(1, "biases", {columns}, "bias_filler"));
  c.op.set(0, y);
}

const LayerRow kRows[] = {
    {"Convolution", importConvolution, "convolution_param", 1, 1, "model"},
    {"ConvolutionDepthwise", importConvolution, "convolution_param", 1, 1, "fixture", "depthwise"},
    {"DepthwiseConvolution", importConvolution, "convolution_param", 1, 1, "fixture", "depthwise"},
    {"Deconvolution", importDeconvolution, "convolution_param", 1, 1, "model"},
    {"InnerProduct", importInnerProduct, "inner_product_param", 1, 1, "model"},
    {"Embed", importEmbed, "embed_param", 1, 1, "fixture"},
};
} // namespace

const OperatorTable<LayerRow> kConvolutionLayers = {kRows, std::size(kRows)};

} // namespace burin::caffe
