// Integer weights, biases and requantisation of convolutions and products, by the target's rules.
#pragma once

#include "lib/target/target.h"

#include <functional>

namespace burin::quantize {

struct WeightProblem {
  const std::vector<float>& weights;
  const std::vector<float>& bias; // one per channel, or empty
  int64_t channels = 0;
  std::function<int64_t(int64_t)> channelOf; // output channel of a weight's flat index
  float inputScale = 1;
  std::function<float(int64_t)> outputScale; // of an output channel; ignored for a float result
  float outputBase = 1;                      // the result's scale without its channel factors
  bool floatResult = false;
};

struct IntegerWeights {
  std::vector<int8_t> weights;
  std::vector<float> scale;          // 1 or one per channel
  std::vector<int64_t> zeroPoint;    // as many, or empty: all 0
  std::vector<int64_t> bias;         // per channel, or empty
  bool wide = false;                 // 64-bit accumulators, and biases
  std::vector<float> realMultiplier; // float results and float_half_even: 1 or per channel
  std::vector<int32_t> multiplier, shift;
  std::string policy; // program attribute `requant`
};

// The requantisation of weight scales that are given. `productInFloat`: see [RQ-SCALE-FC]. Fails like the
// next.
Status requantizeStored(const std::vector<float>& weightScale, const WeightProblem& problem,
                        const Target& target, bool productInFloat, IntegerWeights& out);

// Fails with the reason when the target cannot express a scale.
Result<IntegerWeights> quantizeWeights(const WeightProblem& problem, const WeightForm& form,
                                       const Target& target);

} // namespace burin::quantize
