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
    chooseFactors();
    measure();
    for (size_t g = 0; g < groups_.size(); ++g) BURIN_CHECK(chooseScale(groups_[g], resultScale(g)));
    out_.weights.resize(p_.weights.size());
    for (size_t i = 0; i < p_.weights.size(); ++i)
      out_.weights[i] = static_cast<int8_t>(
          rt::quantizeWeight(p_.weights[i], scaleOf(p_.channelOf(static_cast<int64_t>(i))), form_.form.low,
                             form_.form.high, target_.weightRounding));
    quantizeBiases();
    store();
    return std::move(out_);
  }

private:
  Group& groupOf(int64_t channel) { return groups_[form_.perChannel ? static_cast<size_t>(channel) : 0]; }

  // Channels that share one requantisation cannot have their result's factors there: their weights and biases
  // are divided by them instead.
  void chooseFactors() {
    if (form_.perChannel || p_.floatResult) return;
    for (int64_t c = 0; c < p_.channels; ++c)
      if (float scale = p_.outputScale(c); scale != p_.outputBase) {
        factors_.resize(static_cast<size_t>(p_.channels), 1.0);
        factors_[static_cast<size_t>(c)] = static_cast<double>(scale) / p_.outputBase;
      }
  }
  double factor(int64_t channel) const {
    return factors_.empty() ? 1.0 : factors_[static_cast<size_t>(channel)];
  }
  double scaleOf(int64_t channel) { return groupOf(channel).scale * factor(channel); }
  float resultScale(size_t group) const {
    if (p_.floatResult) return 1;
    return form_.perChannel ? p_.outputScale(static_cast<int64_t>(group)) : p_.outputBase;
  }

  void measure() {
    for (size_t i = 0; i < p_.weights.size(); ++i) {
      const int64_t channel = p_.channelOf(static_cast<int64_t>(i));
      Group& g = groupOf(channel);
      g.maxWeight = std::max(g.maxWeight, std::fabs(p_.weights[i] / factor(channel)));
    }
    for (size_t i = 0; i < p_.bias.size(); ++i) {
      const int64_t channel = static_cast<int64_t>(i);
      Group& g = groupOf(channel);
      g.maxBias = std::max(g.maxBias, std::fabs(p_.bias[i] / factor(channel)));
    }
  }

  // A factor of the result's channel seen as one of its weights: a network that knows no scales per channel
  // (a QDQ export) multiplies in this order, and so computes the same integers.
  float weightScaleSeenFromBase(const Group& g, float scale) const {
    const float stored = static_cast<float>(g.scale);
    return scale == p_.outputBase ? stored
                                  : static_cast<float>(static_cast<double>(stored) * p_.outputBase / scale);
  }

  std::vector<float> sharedBias() const {
    std::vector<float> bias = p_.bias;
    for (size_t c = 0; c < bias.size(); ++c)
      bias[c] = static_cast<float>(bias[c] / factor(static_cast<int64_t>(c)));
    return bias;
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
      shift = rt::lowerShiftForBias(shift, sharedBias().data(), static_cast<int64_t>(p_.bias.size()), scale);
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
      wide[c] =
          rt::quantizeBias(p_.bias[c], static_cast<double>(p_.inputScale) * scaleOf(static_cast<int64_t>(c)),
                           target_.bias.rounding);
      largest = std::max(largest, std::abs(wide[c]));
    }
    int dropped = rt::droppedBiasBits(largest, target_.bias.effectiveBits);
    int64_t limit = (int64_t{1} << (target_.bias.bits - 1)) - 1;
    for (int64_t b : wide) {
      if (dropped > 0 && !p_.floatResult) b = rt::dropBiasBits(b, dropped, target_.bias.effectiveBits);
      out_.bias.push_back(rt::saturate(b, -limit - 1, limit));
    }
  }

  void store() {
    const rt::RequantPolicy policy = target_.arithmetic.requantize;
    out_.policy = p_.floatResult ? "none" : rt::nameOf(policy);
    for (size_t c = 0; c < (factors_.empty() ? groups_.size() : factors_.size()); ++c)
      out_.scale.push_back(static_cast<float>(scaleOf(static_cast<int64_t>(c))));
    for (const Group& g : groups_) {
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
  std::vector<double> factors_; // one per channel, or empty: all 1
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
