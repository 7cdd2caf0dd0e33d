#include "lib/quantize/weights.h"

#include "runtime/numerics/registry.h"
#include "runtime/numerics/weights.h"

#include <cmath>

namespace burin::quantize {

namespace {
// Channels that share one weight scale.
struct Group {
  double maxWeight = 0, maxBias = 0;
  double scale = 0; // of the stored weights
  rt::Requant requant;
};

class WeightQuantizer {
public:
  WeightQuantizer(const WeightProblem& problem, const WeightForm& form, const Target& target)
      : p_(problem), form_(form), target_(target),
        groups_(form.perChannel ? static_cast<size_t>(problem.channels) : 1) {}

  Result<IntegerWeights> run() {
    measure();
    for (size_t g = 0; g < groups_.size(); ++g)
      BURIN_CHECK(chooseScale(groups_[g], p_.floatResult ? 1.0f : p_.outputScale(static_cast<int64_t>(g))));
    out_.weights.resize(p_.weights.size());
    for (size_t i = 0; i < p_.weights.size(); ++i)
      out_.weights[i] = static_cast<int8_t>(
          rt::quantizeWeight(p_.weights[i], groupOf(p_.channelOf(static_cast<int64_t>(i))).scale,
                             form_.form.low, form_.form.high, target_.weightRounding));
    quantizeBiases();
    store();
    return std::move(out_);
  }

private:
  Group& groupOf(int64_t channel) { return groups_[form_.perChannel ? static_cast<size_t>(channel) : 0]; }

  void measure() {
    for (size_t i = 0; i < p_.weights.size(); ++i) {
      Group& g = groupOf(p_.channelOf(static_cast<int64_t>(i)));
      g.maxWeight = std::max(g.maxWeight, std::fabs(static_cast<double>(p_.weights[i])));
    }
    for (size_t c = 0; c < p_.bias.size(); ++c) {
      Group& g = groupOf(static_cast<int64_t>(c));
      g.maxBias = std::max(g.maxBias, std::fabs(static_cast<double>(p_.bias[c])));
    }
  }

  // A factor of the result's channel seen as one of its weights: a network that knows no scales per channel
  // (a QDQ export) multiplies in this order, and so computes the same integers.
  float weightScaleSeenFromBase(const Group& g, float scale) const {
    const float stored = static_cast<float>(g.scale);
    return scale == p_.outputBase ? stored
                                  : static_cast<float>(static_cast<double>(stored) * p_.outputBase / scale);
  }

  // `scale` is the result's.
  Status chooseScale(Group& g, float scale) {
    WeightScaleRule rule = p_.floatResult ? WeightScaleRule::Max : target_.weightScaleRule;
    const rt::RequantPolicy policy = target_.arithmetic.requantize;
    double ratio = 0;
    switch (rule) {
    case WeightScaleRule::Max:
      g.scale = rt::maxWeightScale(g.maxWeight, g.maxBias, p_.inputScale, form_.form.divisor);
      if (p_.floatResult) return {};
      // A bias of few significant bits drops low bits of the whole layer when one channel's is large
      // (channels of tiny weights have the largest): that channel's weights rather lose resolution, so that
      // no bit is dropped.
      if (target_.bias.effectiveBits < target_.bias.bits)
        g.scale = std::max(
            g.scale,
            static_cast<double>(static_cast<float>(
                g.maxBias / (p_.inputScale *
                             static_cast<double>((int64_t{1} << (target_.bias.effectiveBits - 1)) - 1)))));
      ratio = rt::requantScale(policy, p_.inputScale, weightScaleSeenFromBase(g, scale), p_.outputBase);
      break;
    case WeightScaleRule::OutputQscale:
      ratio = rt::qdmScale(g.maxWeight, g.maxBias, p_.inputScale, scale, form_.form.divisor);
      g.scale = ratio * scale / p_.inputScale;
      break;
    case WeightScaleRule::OutputPowerOfTwo: {
      int shift = rt::shiftForWeights(g.maxWeight, p_.inputScale, scale, form_.form.high);
      shift = rt::lowerShiftForBias(shift, p_.bias.data(), static_cast<int64_t>(p_.bias.size()), scale);
      if (shift < 0) return fail(ErrorCode::Unsupported, "weights too large for a right shift");
      ratio = rt::scaleByPowerOfTwo(1.0, -shift);
      g.scale = ratio * scale / p_.inputScale;
      break;
    }
    }
    rt::EncodeStatus status = rt::encodeRequant(policy, ratio, g.requant);
    if (status != rt::EncodeStatus::Ok)
      return fail(ErrorCode::Unsupported, std::string("requantisation scale ") + rt::describe(status));
    return {};
  }

  void quantizeBiases() {
    if (p_.bias.empty()) return;
    std::vector<int64_t> wide(p_.bias.size());
    int64_t largest = 0;
    for (size_t c = 0; c < wide.size(); ++c) {
      wide[c] = rt::quantizeBias(p_.bias[c],
                                 static_cast<double>(p_.inputScale) * groupOf(static_cast<int64_t>(c)).scale,
                                 target_.bias.rounding);
      largest = std::max(largest, std::abs(wide[c]));
    }
    int dropped = rt::droppedBiasBits(largest, target_.bias.effectiveBits);
    int64_t limit = (int64_t{1} << (target_.bias.bits - 1)) - 1;
    for (int64_t b : wide) {
      if (dropped > 0 && !p_.floatResult) b = rt::dropBiasBits(b, dropped, target_.bias.effectiveBits);
      out_.bias.push_back(static_cast<int32_t>(rt::saturate(b, -limit - 1, limit)));
    }
  }

  void store() {
    const rt::RequantPolicy policy = target_.arithmetic.requantize;
    out_.policy = p_.floatResult ? "none" : rt::nameOf(policy);
    for (const Group& g : groups_) {
      out_.scale.push_back(static_cast<float>(g.scale));
      if (p_.floatResult)
        out_.realMultiplier.push_back(p_.inputScale * static_cast<float>(g.scale));
      else if (policy == rt::RequantPolicy::FloatHalfEven)
        out_.realMultiplier.push_back(g.requant.scale);
      else {
        out_.multiplier.push_back(g.requant.multiplier);
        out_.shift.push_back(g.requant.shift);
      }
    }
  }

  const WeightProblem& p_;
  const WeightForm& form_;
  const Target& target_;
  std::vector<Group> groups_;
  IntegerWeights out_;
};
} // namespace

Status requantizeStored(const std::vector<float>& weightScale, const WeightProblem& problem,
                        const Target& target, bool productInFloat, IntegerWeights& out) {
  const rt::RequantPolicy policy = target.arithmetic.requantize;
  out.scale = weightScale;
  out.policy = problem.floatResult ? "none" : rt::nameOf(policy);
  for (size_t i = 0; i < weightScale.size(); ++i) {
    if (problem.floatResult) {
      out.realMultiplier.push_back(problem.inputScale * weightScale[i]);
      continue;
    }
    const float result = problem.outputScale(static_cast<int64_t>(i));
    rt::Requant requant;
    rt::EncodeStatus status = rt::encodeRequant(
        policy,
        productInFloat && policy == rt::RequantPolicy::Tflite
            ? rt::requantScaleTfliteFullyConnected(problem.inputScale, weightScale[i], result)
            : rt::requantScale(policy, problem.inputScale, weightScale[i], result),
        requant);
    if (status != rt::EncodeStatus::Ok)
      return fail(ErrorCode::Unsupported, std::string("requantisation scale ") + rt::describe(status));
    if (policy == rt::RequantPolicy::FloatHalfEven)
      out.realMultiplier.push_back(requant.scale);
    else
      out.multiplier.push_back(requant.multiplier), out.shift.push_back(requant.shift);
  }
  return {};
}

Result<IntegerWeights> quantizeWeights(const WeightProblem& problem, const WeightForm& form,
                                       const Target& target) {
  return WeightQuantizer(problem, form, target).run();
}

} // namespace burin::quantize
