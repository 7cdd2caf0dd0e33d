#include "lib/quantize/channels.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace burin::quantize {

namespace {
// A channel that was (almost) zero on all samples still needs room.
constexpr double kSmallestFactor = 1.0 / 64;
// With less to gain than this for any channel, one scale is simpler.
constexpr double kWorthwhile = 0.75;

bool isFunction(Operation* op) { return op && op->getName().getStringRef() == "nn.unary"; }
bool isDepthwise(Operation* op) { return classify(op) == OpClass::Depthwise; }

// A clamp from above is one number for all channels, so it must not be rescaled; one from below at zero may.
bool clampAllows(Operation* op) {
  auto lo = op->getAttrOfType<FloatAttr>("lo");
  return !op->hasAttr("hi") && (!lo || lo.getValueAsDouble() == 0);
}

bool usersAllow(Value v) {
  return !v.use_empty() && llvm::all_of(v.getUses(), [](OpOperand& use) {
    Operation* user = use.getOwner();
    bool convolves = user->getName().getStringRef() == "nn.conv" && use.getOperandNumber() == 0 && nn::isConstant(user->getOperand(1));
    return convolves || isFunction(user);
  });
}

// How much of the scale's gain goes to the activations: all of it where each channel meets its own weight scale, half
// where channels share one (the other half of the spread moves into the weights, as in SmoothQuant, Xiao et al. 2023).
double exponent(Value v) {
  bool own = llvm::all_of(v.getUsers(), [](Operation* user) { return isFunction(user) || isDepthwise(user); });
  return own ? 1.0 : 0.5;
}
} // namespace

bool mayHaveChannelScales(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  Operation* maker = v.getDefiningOp();
  if (!type || type.getRank() < 3 || !maker || !usersAllow(v)) return false;
  if (maker->getName().getStringRef() == "nn.conv") return nn::isConstant(maker->getOperand(1)) && clampAllows(maker);
  return isFunction(maker);
}

std::vector<double> channelFactors(Value v, const TensorRange& range, const Integers& integers) {
  if (range.channelMin.empty() || static_cast<int64_t>(range.channelMin.size()) != cast<RankedTensorType>(v.getType()).getDimSize(1)) return {};
  const double above = integers.form.high - integers.affine.zeroPoint, below = integers.affine.zeroPoint - integers.form.low;
  const double power = exponent(v);
  std::vector<double> factors;
  for (size_t c = 0; c < range.channelMin.size(); ++c) {
    double need = 0; // scale that this channel's values need, clipped where the tensor's are
    if (above > 0) need = std::max(need, std::min<double>(range.channelMax[c], range.threshold) / above);
    if (below > 0) need = std::max(need, std::min<double>(-range.channelMin[c], range.threshold) / below);
    double share = std::clamp(need / integers.affine.scale, kSmallestFactor, 1.0);
    factors.push_back(power == 1.0 ? share : std::sqrt(share));
  }
  bool worthwhile = std::any_of(factors.begin(), factors.end(), [](double f) { return f < kWorthwhile; });
  return worthwhile ? factors : std::vector<double>();
}

int64_t inputChannel(Operation* convolution, int64_t flatIndex) {
  auto w = cast<RankedTensorType>(convolution->getOperand(1).getType());
  const int64_t perGroup = w.getDimSize(1), outputs = w.getDimSize(0), taps = w.getNumElements() / (perGroup * outputs);
  const int64_t groups = convolution->getAttrOfType<IntegerAttr>("groups").getInt();
  const int64_t output = flatIndex / (perGroup * taps), inGroup = flatIndex / taps % perGroup;
  return output / (outputs / groups) * perGroup + inGroup;
}

} // namespace burin::quantize
