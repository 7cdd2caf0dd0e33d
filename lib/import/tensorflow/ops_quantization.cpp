// Fake quantization: what quantization-aware training leaves in a graph, as a pair of quantize and
// dequantize.
#include "lib/import/tensorflow/operators.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
// The integers of a range, moved so that zero is one of them, as TensorFlow moves it. Its rounding is up on a
// tie, ours to even.
struct Grid {
  float scale = 0, zeroPoint = 0, low = 0, high = 0;
};

Grid gridOf(float low, float high, float least, float most) {
  Grid grid;
  grid.scale = (high - low) / (most - least);
  float exact = least - low / grid.scale;
  grid.zeroPoint = exact < least ? least : exact > most ? most : std::round(exact);
  grid.low = (least - grid.zeroPoint) * grid.scale;
  grid.high = (most - grid.zeroPoint) * grid.scale;
  return grid;
}

// `axis` of the channels, or -1 for one range.
void emitFakeQuant(RuleContext& c, Attributes& a, const std::vector<float>& lows,
                   const std::vector<float>& highs, int64_t axis) {
  int64_t bits = a.integer("num_bits", 8);
  if (bits < 2 || bits > 16) return c.invalid(fmt::format("attribute 'num_bits' is {}", bits));
  const float least = a.flag("narrow_range") ? 1 : 0, most = static_cast<float>((1 << bits) - 1);
  std::vector<float> scales, zeroPoints, lowest, highest;
  for (size_t i = 0; i < lows.size(); ++i) {
    if (!(lows[i] < highs[i]) || !std::isfinite(highs[i] - lows[i]))
      return c.invalid(fmt::format("its range is {} to {}", lows[i], highs[i]),
                       "train or calibrate the model first");
    Grid grid = gridOf(lows[i], highs[i], least, most);
    scales.push_back(grid.scale), zeroPoints.push_back(grid.zeroPoint);
    lowest.push_back(grid.low), highest.push_back(grid.high);
  }
  const Ints shape = axis < 0 ? Ints{} : Ints{static_cast<int64_t>(lows.size())};
  Value x = c.in(0);
  // Integers of the whole type saturate by themselves.
  if (least != 0 || (bits != 8 && bits != 16))
    x = axis < 0 ? c.unary("clip", x, lowest[0], highest[0])
                 : c.binary("min", c.binary("max", x, c.constant(lowest, shape)), c.constant(highest, shape));
  Value scale = c.constant(scales, shape);
  Value zeroPoint = c.cast(c.constant(zeroPoints, shape), bits > 8 ? rt::DType::U16 : rt::DType::U8);
  nn::AttrList list = c.attrs();
  list.i("axis", std::max<int64_t>(axis, 0));
  Value q = c.emit("quantize", {x, scale, zeroPoint}, list);
  auto fold = c.session().options().keepQuantization ? nn::Fold::Never : nn::Fold::Allow;
  c.set(0, c.emit("dequantize", {q, scale, zeroPoint}, list, fold));
}

void importFakeQuantArgs(RuleContext& c, Attributes& a) {
  emitFakeQuant(c, a, {a.real("min", -6)}, {a.real("max", 6)}, -1);
}

void importFakeQuantVars(RuleContext& c, Attributes& a) {
  auto low = c.constantFloat(1, "lower end"), high = c.constantFloat(2, "upper end");
  if (low && high) emitFakeQuant(c, a, {*low}, {*high}, -1);
}

void importFakeQuantPerChannel(RuleContext& c, Attributes& a) {
  auto lows = c.constantFloats(1, "lower ends"), highs = c.constantFloats(2, "upper ends");
  if (!lows || !highs) return;
  Ints dims = RuleContext::dims(c.in(0));
  if (dims.empty() || lows->size() != highs->size() || static_cast<int64_t>(lows->size()) != dims.back())
    return c.invalid(fmt::format("it has {} lower and {} upper ends", lows->size(), highs->size()));
  emitFakeQuant(c, a, *lows, *highs, static_cast<int64_t>(dims.size()) - 1);
}

const OperatorRow kRows[] = {
    {"FakeQuantWithMinMaxArgs", importFakeQuantArgs, 1, 1},
    {"FakeQuantWithMinMaxVars", importFakeQuantVars, 3, 3},
    {"FakeQuantWithMinMaxVarsPerChannel", importFakeQuantPerChannel, 3, 3},
};
} // namespace

const OperatorTable<OperatorRow> kQuantizationOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
