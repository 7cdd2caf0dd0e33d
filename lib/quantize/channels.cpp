#include "lib/quantize/channels.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

bool usersAllow(Value v, ChannelScales allowed) {
  return !v.use_empty() && llvm::all_of(v.getUses(), [&](OpOperand& use) {
    Operation* user = use.getOwner();
    bool convolves = user->getName().getStringRef() == "nn.conv" && use.getOperandNumber() == 0 &&
                     nn::isConstant(user->getOperand(1));
    return convolves || (allowed == ChannelScales::Functions && isFunction(user));
  });
}

// How much of the scale's gain goes to the activations: all of it where each channel meets its own weight
// scale, half where channels share one (the other half of the spread moves into the weights, as in
// SmoothQuant, Xiao et al. 2023).
double exponent(Value v, const Target& target) {
  bool own = llvm::all_of(v.getUsers(), [&](Operation* user) {
    return isFunction(user) || (isDepthwise(user) && target.depthwise.perChannel);
  });
  return own ? 1.0 : 0.5;
}

// Where the maker's weights share one scale, a factor must not make a channel's weights the largest of all:
// the least factors.
std::vector<double> leastFactors(Operation* maker, size_t channels, const Target& target) {
  std::vector<double> least(channels, kSmallestFactor);
  const WeightForm* form = target.weights(classify(maker));
  if (!form || form->perChannel) return least;
  std::vector<float> weights = nn::constantFloats(maker->getOperand(1));
  std::vector<double> largest(channels);
  for (size_t i = 0; i < weights.size(); ++i) {
    double& l = largest[i / (weights.size() / channels)];
    l = std::max(l, std::fabs(static_cast<double>(weights[i])));
  }
  const double overall = *std::max_element(largest.begin(), largest.end());
  for (size_t c = 0; c < channels && overall > 0; ++c) least[c] = std::max(least[c], largest[c] / overall);
  return least;
}

// The smallest scale that holds [min, max] around a zero point; infinite when a side has no room at all.
double scaleFor(double min, double max, const rt::IntegerForm& form, int32_t zeroPoint) {
  double scale = 0;
  if (max > 0)
    scale = zeroPoint < form.high ? max / (form.high - zeroPoint) : std::numeric_limits<double>::infinity();
  if (min < 0)
    scale = std::max(scale, zeroPoint > form.low ? -min / (zeroPoint - form.low)
                                                 : std::numeric_limits<double>::infinity());
  return scale;
}

// Channels share the zero point: the one with the smallest product of their scales, that is, the least loss
// in bits.
template <class Scales>
int32_t bestZeroPoint(const rt::IntegerForm& form, const Scales& scales) {
  constexpr int32_t kStep = 8;
  double best = std::numeric_limits<double>::infinity();
  int32_t chosen = 0;
  for (int32_t zeroPoint = form.low; zeroPoint <= form.high; zeroPoint += kStep) {
    double cost = 0;
    for (double s : scales(zeroPoint))
      if (s > 0) cost += std::log2(s);
    if (cost < best) best = cost, chosen = zeroPoint;
  }
  return chosen;
}
} // namespace

bool mayHaveChannelScales(Value v, ChannelScales allowed) {
  if (allowed == ChannelScales::None) return false;
  auto type = dyn_cast<RankedTensorType>(v.getType());
  Operation* maker = v.getDefiningOp();
  if (!type || type.getRank() < 3 || !maker || !usersAllow(v, allowed)) return false;
  if (maker->getName().getStringRef() == "nn.conv")
    return nn::isConstant(maker->getOperand(1)) && clampAllows(maker);
  return allowed == ChannelScales::Functions && isFunction(maker);
}

void chooseChannelScales(Value v, const TensorRange& observed, const rt::IntegerForm& form, bool symmetric,
                         const Target& target, TensorPlan& t) {
  const size_t channels = observed.channelMin.size();
  if (channels == 0 || static_cast<int64_t>(channels) != cast<RankedTensorType>(v.getType()).getDimSize(1))
    return;
  const double low = std::max(t.min, -t.threshold), high = std::min(t.max, t.threshold);
  auto scales = [&](int32_t zeroPoint) {
    std::vector<double> s(channels);
    for (size_t c = 0; c < channels; ++c)
      s[c] = scaleFor(std::max<double>(observed.channelMin[c], low),
                      std::min<double>(observed.channelMax[c], high), form, zeroPoint);
    return s;
  };
  const int32_t zeroPoint = symmetric ? 0 : bestZeroPoint(form, scales);
  const std::vector<double> chosen = scales(zeroPoint);
  const double largest = *std::max_element(chosen.begin(), chosen.end());
  if (!(largest > 0)) return;
  const double power = exponent(v, target);
  std::vector<double> factors = leastFactors(v.getDefiningOp(), channels, target);
  for (size_t c = 0; c < channels; ++c)
    factors[c] = std::max(factors[c], std::pow(std::max(chosen[c] / largest, kSmallestFactor), power));
  if (*std::min_element(factors.begin(), factors.end()) > kWorthwhile) return;
  t.channels = std::move(factors);
  t.min = (form.low - zeroPoint) * largest;
  t.max = (form.high - zeroPoint) * largest;
  t.threshold = symmetric ? form.divisor * largest : std::max(-t.min, t.max);
}

int64_t inputChannel(Operation* convolution, int64_t flatIndex) {
  auto w = cast<RankedTensorType>(convolution->getOperand(1).getType());
  const int64_t perGroup = w.getDimSize(1), outputs = w.getDimSize(0),
                taps = w.getNumElements() / (perGroup * outputs);
  const int64_t groups = convolution->getAttrOfType<IntegerAttr>("groups").getInt();
  const int64_t output = flatIndex / (perGroup * taps), inGroup = flatIndex / taps % perGroup;
  return output / (outputs / groups) * perGroup + inGroup;
}

} // namespace burin::quantize
