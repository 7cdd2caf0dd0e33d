#include "lib/quantize/trim.h"

#include "lib/nn/builder.h"

#include <algorithm>

using namespace mlir;

namespace burin::quantize {

namespace {
constexpr int kGridPoints = 4097; // steps of the range at which the function is looked at

std::vector<float> evaluateOnGrid(Operation* function, Interval range) {
  std::vector<float> x(kGridPoints);
  for (int i = 0; i < kGridPoints; ++i)
    x[i] = static_cast<float>(range.low + (range.high - range.low) * i / (kGridPoints - 1));
  nn::ConstantTensor input{{rt::DType::F32, {kGridPoints}}, x.data()};
  std::vector<nn::ConstantTensor*> operands{&input};
  auto results = nn::evaluate(function->getName().getStringRef().str(),
                              nn::programAttrs(function->getAttrDictionary()), operands);
  if (!results) return {};
  const float* y = reinterpret_cast<const float*>((*results)[0].second.data());
  return {y, y + kGridPoints};
}

// The last index i, from the front, such that all values before it are within the tolerance of value i.
int flatPrefix(const std::vector<float>& y, double tolerance) {
  double low = y[0], high = y[0];
  int last = 0;
  for (int i = 0; i < kGridPoints; ++i) {
    low = std::min<double>(low, y[i]);
    high = std::max<double>(high, y[i]);
    if (high - y[i] <= tolerance && y[i] - low <= tolerance) last = i;
    if (high - low > 2 * tolerance) break; // no later value can be near both
  }
  return last;
}
} // namespace

std::optional<Interval> usefulRange(Operation* function, Interval range, double tolerance) {
  if (!(range.low < range.high) || !(tolerance > 0)) return std::nullopt;
  std::vector<float> y = evaluateOnGrid(function, range);
  if (y.empty() || std::any_of(y.begin(), y.end(), [](float v) { return !(v == v); })) return std::nullopt;
  const double step = (range.high - range.low) / (kGridPoints - 1);
  const int front = flatPrefix(y, tolerance);
  std::reverse(y.begin(), y.end());
  const int back = flatPrefix(y, tolerance);
  Interval useful{range.low + step * front, range.high - step * back};
  if (useful.low >= useful.high) return std::nullopt; // flat everywhere: nothing to gain
  return useful;
}

} // namespace burin::quantize
