#include "lib/export/quantized_tensor.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace burin::onnx_export {

namespace {
using PerTensor = quant::UniformQuantizedType;
using PerAxis = quant::UniformQuantizedPerAxisType;

Type elementOf(Value v) { return cast<RankedTensorType>(v.getType()).getElementType(); }

// w with (x * w) / y == multiplier in float32; the nearest where rounding leaves no such w.
float weightScale(float multiplier, float x, float y) {
  float best = static_cast<float>(static_cast<double>(multiplier) * y / x), candidate = best;
  constexpr int kNeighbours = 4; // two roundings move the quotient by a few units in the last place at most
  for (int i = 0; i < kNeighbours; ++i) candidate = std::nextafter(candidate, 0.0f);
  for (int i = -kNeighbours; i <= kNeighbours; ++i, candidate = std::nextafter(candidate, INFINITY))
    if (x * candidate / y == multiplier) return candidate;
  return best;
}
} // namespace

bool isQuantized(Value v) {
  return isa<RankedTensorType>(v.getType()) && isa<quant::QuantizedType>(elementOf(v));
}
bool hasChannelScales(Value v) { return isQuantized(v) && isa<PerAxis>(elementOf(v)); }

std::vector<float> scalesOf(Value v) {
  if (auto one = dyn_cast<PerTensor>(elementOf(v))) return {static_cast<float>(one.getScale())};
  auto many = cast<PerAxis>(elementOf(v));
  return {many.getScales().begin(), many.getScales().end()};
}

int64_t zeroPointOf(Value v) {
  if (auto one = dyn_cast<PerTensor>(elementOf(v))) return one.getZeroPoint();
  return cast<PerAxis>(elementOf(v)).getZeroPoints().front();
}

float baseScale(Value v) {
  std::vector<float> scales = scalesOf(v);
  return *std::max_element(scales.begin(), scales.end());
}

std::optional<std::vector<float>> weightScales(Operation& op) {
  Value x = op.getOperand(0), y = op.getResult(0);             // weights are those that x's one scale sees
  const bool real = isa<NoneType>(op.getOperand(4).getType()); // the multiplier is a float
  auto stated = op.getAttrOfType<DenseF32ArrayAttr>("w_scale");
  if (!real && !stated) return std::nullopt;
  const std::vector<float> scales = stated ? stated.asArrayRef().vec() : std::vector<float>{1},
                           results = isQuantized(y) ? scalesOf(y) : std::vector<float>{1},
                           multipliers = nn::constantFloats(op.getOperand(3));
  const float base = isQuantized(y) ? baseScale(y) : 1.0f;
  auto at = [](const std::vector<float>& v, size_t i) { return v[v.size() == 1 ? 0 : i]; };
  std::vector<float> seen(std::max({scales.size(), results.size(), real ? multipliers.size() : size_t(1)}));
  for (size_t i = 0; i < seen.size(); ++i)
    seen[i] = real ? weightScale(at(multipliers, i), baseScale(x), base)
                   : static_cast<float>(static_cast<double>(at(scales, i)) * base / at(results, i));
  return seen;
}

} // namespace burin::onnx_export
