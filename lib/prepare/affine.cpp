#include "lib/prepare/affine.h"

#include <cmath>

using namespace mlir;

namespace burin::rewrites {

namespace {
// A constant that broadcasts along `axis` only, one value per channel.
std::optional<std::vector<double>> perChannel(Value constant, int64_t rank, int64_t axis, int64_t channels) {
  if (!isConstantF32(constant) || rankOf(constant) > rank || elementsOf(constant) == 0) return std::nullopt;
  int64_t lead = rank - rankOf(constant);
  for (auto [i, d] : llvm::enumerate(shapeOf(constant)))
    if (d != 1 && (static_cast<int64_t>(i) + lead != axis || d != channels)) return std::nullopt;
  std::vector<float> values = nn::constantFloats(constant);
  if (values.empty()) return std::nullopt;
  std::vector<double> out(channels);
  for (int64_t c = 0; c < channels; ++c) out[c] = values.size() == 1 ? values[0] : values[c];
  return out;
}

std::optional<ChannelAffine> readBatchNorm(Operation* op, int64_t axis, int64_t channels) {
  if (axis != 1) return std::nullopt;
  std::vector<float> parameter[4]; // scale, bias, mean, variance
  for (int i = 0; i < 4; ++i) {
    parameter[i] = nn::constantFloats(op->getOperand(i + 1));
    if (!isF32(op->getOperand(i + 1)) || static_cast<int64_t>(parameter[i].size()) != channels)
      return std::nullopt;
  }
  double epsilon = op->getAttrOfType<FloatAttr>("epsilon").getValueAsDouble();
  ChannelAffine affine = ChannelAffine::identity(channels);
  for (int64_t c = 0; c < channels; ++c) {
    affine.scale[c] = parameter[0][c] / std::sqrt(parameter[3][c] + epsilon);
    affine.shift[c] = parameter[1][c] - parameter[2][c] * affine.scale[c];
  }
  return affine;
}

std::optional<ChannelAffine> readBinary(Operation* op, Value x, int64_t axis, int64_t channels) {
  if (op->hasAttr("lo") || op->hasAttr("hi") || op->getOperand(0) == op->getOperand(1)) return std::nullopt;
  bool constantFirst = op->getOperand(1) == x;
  auto c = perChannel(op->getOperand(constantFirst ? 0 : 1), rankOf(x), axis, channels);
  if (!c) return std::nullopt;
  ChannelAffine affine = ChannelAffine::identity(channels);
  StringRef fn = functionOf(op);
  for (int64_t i = 0; i < channels; ++i) {
    if (fn == "add")
      affine.shift[i] = (*c)[i];
    else if (fn == "mul")
      affine.scale[i] = (*c)[i];
    else if (fn == "sub")
      affine.scale[i] = constantFirst ? -1 : 1, affine.shift[i] = constantFirst ? (*c)[i] : -(*c)[i];
    else if (fn == "div" && !constantFirst)
      affine.scale[i] = 1 / (*c)[i];
    else
      return std::nullopt;
  }
  return affine;
}
} // namespace

ChannelAffine ChannelAffine::then(const ChannelAffine& next) const {
  ChannelAffine out = next;
  for (size_t c = 0; c < scale.size(); ++c) {
    out.scale[c] = next.scale[c] * scale[c];
    out.shift[c] = next.scale[c] * shift[c] + next.shift[c];
  }
  return out;
}

bool ChannelAffine::scalesNothing() const {
  return llvm::all_of(scale, [](double s) { return s == 1; });
}
bool ChannelAffine::shiftsNothing() const {
  return llvm::all_of(shift, [](double s) { return s == 0; });
}

std::optional<ChannelAffine> readAffine(Operation* op, Value x, int64_t axis, int64_t channels) {
  if (!op || op->getNumResults() != 1 || !isF32(x) || op->getResult(0).getType() != x.getType() ||
      axis >= rankOf(x))
    return std::nullopt;
  std::optional<ChannelAffine> affine;
  if (isa<nn::BatchNormOp>(op) && op->getOperand(0) == x)
    affine = readBatchNorm(op, axis, channels);
  else if (isa<nn::BinaryOp>(op))
    affine = readBinary(op, x, axis, channels);
  else if (isUnary(op, "neg"))
    affine = ChannelAffine{std::vector<double>(channels, -1.0), std::vector<double>(channels, 0.0)};
  if (!affine) return std::nullopt;
  for (size_t c = 0; c < affine->scale.size(); ++c)
    if (!std::isfinite(affine->scale[c]) || !std::isfinite(affine->shift[c])) return std::nullopt;
  return affine;
}

Value affineSource(Operation* op) {
  if (isa<nn::BatchNormOp>(op) || isUnary(op, "neg")) return op->getOperand(0);
  if (!isa<nn::BinaryOp>(op)) return {};
  bool first = nn::isConstant(op->getOperand(0)), second = nn::isConstant(op->getOperand(1));
  return first == second ? Value() : op->getOperand(first ? 1 : 0);
}

} // namespace burin::rewrites
