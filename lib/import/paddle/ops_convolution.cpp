// Convolutions. Filters are [O, C / groups, kernel] whatever the layout of the data.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::paddle {

namespace {
Ints kernelOf(Node& n) {
  Ints dims = RuleContext::dims(n.in("Filter"));
  if (dims.size() >= 3) return Ints(dims.begin() + 2, dims.end());
  n->invalid(fmt::format("its filter has {} dimensions", dims.size()));
  return {};
}

// What a convolution may be fused with: a bias, a residual, an activation.
void finish(Node& n, Value y, bool isLast) {
  if (n.has("ResidualData")) {
    Value residual = n.in("ResidualData");
    y = n->add(y, isLast ? channelsFirst(n.context(), residual) : residual);
  }
  y = activation(n, y, n.flag("fuse_relu") ? "relu" : n.text("fuse_activation"));
  n.set("Output", isLast ? channelsLast(n.context(), y) : y);
}

// Filters of models quantized for integers may be stored as such.
Value filterOf(Node& n, Value x) { return n->cast(n.in("Filter"), RuleContext::dtype(x)); }

Value inputOf(Node& n, bool isLast) {
  return isLast ? channelsFirst(n.context(), n.in("Input")) : n.in("Input");
}

void importConv(Node& n) {
  bool isLast = isChannelsLast(n);
  Value x = inputOf(n, isLast);
  auto window = readWindow(n, x, kernelOf(n));
  if (!window) return;
  finish(n, emitConv(n.context(), x, filterOf(n, x), n.in("Bias"), *window, n.integer("groups", 1)), isLast);
}

// output_size, when given, is the size without output padding plus less than a stride at the end.
void importConvTranspose(Node& n) {
  bool isLast = isChannelsLast(n);
  Value x = inputOf(n, isLast);
  auto window = readWindow(n, x, kernelOf(n));
  auto wanted = n.intsOr("output_size", "OutputSizeTensor", "OutputSize");
  if (!window || !wanted) return;
  size_t spatial = window->kernel.size();
  Ints outputPads = n.ints("output_padding");
  if (outputPads.empty()) outputPads.assign(spatial, 0);
  if (outputPads.size() != spatial || (!wanted->empty() && wanted->size() != spatial))
    return n->invalid(
        "its output_padding or output_size has another number of entries than the filter has axes");
  auto natural = transposedSizes(n.context(), *window, x);
  if (!natural) return;
  for (size_t i = 0; i < spatial && !wanted->empty(); ++i) {
    int64_t given = (*wanted)[i], room = std::max(window->strides[i], window->dilations[i]);
    if (given < (*natural)[i] || given >= (*natural)[i] + room)
      return n->invalid(
          fmt::format("output_size {} is not possible; without it the output is {}", given, (*natural)[i]));
    outputPads[i] = given - (*natural)[i];
  }
  finish(n,
         emitConvTranspose(n.context(), x, filterOf(n, x), n.in("Bias"), *window, outputPads,
                           n.integer("groups", 1)),
         isLast);
}

const OperatorRow kRows[] = {
    {"conv2d", importConv, "", "model"},
    {"depthwise_conv2d", importConv, "", "model"},
    {"conv3d", importConv},
    {"conv2d_transpose", importConvTranspose},
    {"depthwise_conv2d_transpose", importConvTranspose},
    {"conv3d_transpose", importConvTranspose},
};
} // namespace

const OperatorTable<OperatorRow> kConvolutionOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle
