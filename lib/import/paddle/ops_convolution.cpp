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
void finish(Node& n, Value y, bool channelsLast) {
  if (n.has("ResidualData")) {
    Value residual = n.in("ResidualData");
    y = n->add(y, channelsLast ? toChannelsFirst(n.context(), residual) : residual);
  }
  y = activation(n, y, n.flag("fuse_relu") ? "relu" : n.text("fuse_activation"));
  n.set("Output", channelsLast ? toChannelsLast(n.context(), y) : y);
}

Value inputOf(Node& n, bool channelsLast) {
  return channelsLast ? toChannelsFirst(n.context(), n.in("Input")) : n.in("Input");
}

void importConv(Node& n) {
  bool channelsLast = isChannelsLast(n);
  Value x = inputOf(n, channelsLast);
  auto window = readWindow(n, x, kernelOf(n));
  if (!window) return;
  finish(n, emitConv(n.context(), x, n.in("Filter"), n.in("Bias"), *window, n.integer("groups", 1)),
         channelsLast);
}

// output_size, when given, is the size without output padding plus less than a stride at the end.
void importConvTranspose(Node& n) {
  bool channelsLast = isChannelsLast(n);
  Value x = inputOf(n, channelsLast);
  auto window = readWindow(n, x, kernelOf(n));
  auto wanted = n.intsOr("output_size", "OutputSizeTensor", "OutputSize");
  if (!window || !wanted) return;
  size_t spatial = window->kernel.size();
  Ints outputPads = n.ints("output_padding");
  if (outputPads.empty()) outputPads.assign(spatial, 0);
  if (outputPads.size() != spatial || (!wanted->empty() && wanted->size() != spatial))
    return n->invalid(
        "its output_padding or output_size has another number of entries than the filter has axes");
  for (size_t i = 0; i < spatial && !wanted->empty(); ++i) {
    int64_t natural = (RuleContext::dims(x)[i + 2] - 1) * window->strides[i] - window->pads[i] -
                      window->pads[i + spatial] + window->dilations[i] * (window->kernel[i] - 1) + 1;
    outputPads[i] = (*wanted)[i] - natural;
    if (outputPads[i] < 0 || outputPads[i] >= std::max(window->strides[i], window->dilations[i]))
      return n->invalid(
          fmt::format("output_size {} is not possible; without it the output is {}", (*wanted)[i], natural));
  }
  finish(n,
         emitConvTranspose(n.context(), x, n.in("Filter"), n.in("Bias"), *window, outputPads,
                           n.integer("groups", 1)),
         channelsLast);
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

const OperatorTable kConvolutionOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle
