// Layers with weights: convolutional and connected.
#include "lib/import/darknet/operators.h"

#include <fmt/format.h>

namespace burin::darknet {

namespace {
constexpr float kEpsilon = 0.00001f; // beside the variance, as networks are run (not as they were trained)

tl::unexpected<Error> invalid(const std::string& message) { return fail(ErrorCode::Input, message); }

struct Filters {
  int64_t count, size, groups, dilation, strideX, strideY, pad;
};

Filters readFilters(const Section& s) {
  Filters f{};
  f.count = s.integer("filters", 1), f.size = s.integer("size", 1), f.groups = s.integer("groups", 1);
  f.dilation = f.size == 1 ? 1 : s.integer("dilation", 1);
  const int64_t stride = s.integer("stride", 1);
  f.strideX = s.integer("stride_x", stride), f.strideY = s.integer("stride_y", stride);
  f.pad = (s.flag("pad") ? f.size / 2 : s.integer("padding", 0)) * f.dilation;
  return f;
}

int64_t convolved(int64_t in, const Filters& f, int64_t stride) {
  const int64_t room = in + 2 * f.pad - ((f.size - 1) * f.dilation + 1);
  return room < 0 ? 0 : room / stride + 1;
}

Result<Measured> measureConvolution(const Section& s, const std::vector<Size>& inputs) {
  const Filters f = readFilters(s);
  const Size in = inputs[0];
  for (int64_t value : {f.count, f.size, f.groups, f.dilation, f.strideX, f.strideY})
    if (value < 1 || value > int64_t(1) << 20)
      return invalid(fmt::format("a size, stride, count or dilation is {}", value));
  if (f.size > 1 << 12 || f.dilation > 1 << 12 || f.pad < 0 || f.pad > int64_t(1) << 24)
    return invalid(
        fmt::format("size {}, dilation {} and padding {} are not possible", f.size, f.dilation, f.pad));
  if (in.channels % f.groups || f.count % f.groups)
    return invalid(fmt::format("{} channels cannot become {} in {} groups", in.channels, f.count, f.groups));
  const int64_t perFilter = in.channels / f.groups * f.size * f.size;
  if (perFilter > (int64_t(1) << 40) / f.count) return invalid("it needs too many weights");
  return Measured{{f.count, convolved(in.height, f, f.strideY), convolved(in.width, f, f.strideX)},
                  f.count * (perFilter + (s.flag("batch_normalize") ? 4 : 1))};
}

// Options that change what a convolution computes and that no network for deployment should have.
bool hasPlainWeights(LayerContext& c) {
  for (const char* option : {"binary", "xnor", "flipped", "antialiasing", "share_index", "deform"})
    if (c.section.has(option) && (c.section.flag(option) || option == std::string("share_index"))) {
      c.op.unsupported(fmt::format("option '{}' is not supported", option));
      return false;
    }
  return true;
}

struct Normalization {
  Value biases, scales, mean, variance; // without batch norm: biases alone
};

void takeStatistics(LayerContext& c, Normalization& n, int64_t count) {
  n.scales = c.take("scales", {count});
  n.mean = c.take("mean", {count});
  n.variance = c.take("variance", {count});
}

// The steps behind the product: batch norm and activation.
void finish(LayerContext& c, Value y, const Normalization& n) {
  c.result(y);
  if (n.scales)
    c.result(y = c.op.emit("batch_norm", {y, n.scales, n.biases, n.mean, n.variance},
                           c.op.attrs().f("epsilon", kEpsilon)));
  const std::string activation = c.section.text("activation", "logistic");
  if (activation != "linear") c.result(activated(c, y, activation));
}

void importConvolutional(LayerContext& c) {
  if (!hasPlainWeights(c)) return;
  const Filters f = readFilters(c.section);
  const bool normalizes = c.section.flag("batch_normalize");
  Normalization n;
  n.biases = c.take("biases", {f.count});
  if (normalizes) takeStatistics(c, n, f.count);
  Value w = c.take("weights", {f.count, c.layer.in->channels / f.groups, f.size, f.size});
  finish(c,
         c.op.emit("conv", {c.x, w, normalizes ? c.op.none() : n.biases},
                   c.op.attrs()
                       .ints("strides", {f.strideY, f.strideX})
                       .ints("dilations", {f.dilation, f.dilation})
                       .ints("pads", {f.pad, f.pad, f.pad, f.pad})
                       .i("groups", f.groups)),
         n);
}

Result<Measured> measureConnected(const Section& s, const std::vector<Size>& inputs) {
  const int64_t outputs = s.integer("output", 1), width = inputs[0].elements();
  if (outputs < 1 || width > (int64_t(1) << 40) / outputs)
    return invalid(fmt::format("output is {}", outputs));
  return Measured{{outputs, 1, 1}, outputs * (width + (s.flag("batch_normalize") ? 4 : 1))};
}

void importConnected(LayerContext& c) {
  const int64_t outputs = c.section.integer("output", 1), inputs = c.layer.in->elements();
  Ints dims = c.dims();
  int64_t given = 1;
  for (size_t i = 1; i < dims.size(); ++i) given *= dims[i];
  if (given != inputs)
    return c.op.invalid(fmt::format("reads {} values, its weights are for {}", given, inputs),
                        "its network has one possible input size; leave --input-shapes out");
  Normalization n;
  n.biases = c.take("biases", {outputs});
  const bool transposed = c.weightsAreTransposed(), normalizes = c.section.flag("batch_normalize");
  Value w = c.take("weights", transposed ? Ints{inputs, outputs} : Ints{outputs, inputs});
  if (normalizes) takeStatistics(c, n, outputs);
  Value rows = c.op.reshape(c.x, {dims[0], inputs});
  finish(c,
         c.op.emit("matmul", {rows, w, normalizes ? c.op.none() : n.biases},
                   c.op.attrs().b("trans_b", !transposed)),
         n);
}

const LayerRow kRows[] = {
    {"convolutional", importConvolutional, measureConvolution, Reads::Previous, "model"},
    {"conv", importConvolutional, measureConvolution, Reads::Previous, "fixture"},
    {"connected", importConnected, measureConnected, Reads::Previous, "fixture"},
    {"conn", importConnected, measureConnected, Reads::Previous, "fixture"},
};
} // namespace

const OperatorTable<LayerRow> kWeightedLayers = {kRows, std::size(kRows)};

} // namespace burin::darknet
