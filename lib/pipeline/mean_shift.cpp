#include "lib/pipeline/mean_shift.h"

#include "lib/execute/executable.h"

#include <algorithm>
#include <cmath>

namespace burin {

namespace {
double meanAt(const FunctionMeans& means, double shift) {
  constexpr int kLast = static_cast<int>(std::tuple_size_v<decltype(means.counts)>) - 1;
  double sum = 0, count = 0;
  for (int q = 0; q <= kLast; ++q) {
    const double at = q == 0 || q == kLast ? q : std::clamp<double>(q + shift, 0, kLast);
    const int below = std::min(static_cast<int>(at), kLast - 1);
    const double above = at - below;
    sum += means.counts[q] * (means.results[below] * (1 - above) + means.results[below + 1] * above);
    count += means.counts[q];
  }
  return count > 0 ? sum / count : 0;
}
} // namespace

std::vector<FunctionMeans> functionOf(const rt::Node& table, size_t channels) {
  const rt::Tensor &operand = *table.inputs[0], &result = *table.outputs[0];
  rt::Tensor entries = *table.inputs[1];
  entries.quant = {};
  const std::vector<float> stored = realValues(entries);
  const size_t flip = operand.type.dtype == rt::DType::I8 ? 128 : 0; // tables are indexed by raw bits
  std::vector<FunctionMeans> means(channels);
  for (size_t c = 0; c < channels; ++c)
    for (size_t q = 0; q < 256; ++q) {
      const double y = stored[(stored.size() > 256 ? c * 256 : 0) + (q ^ flip)];
      const size_t s = result.quant.scale.size() > 1 ? c : 0;
      means[c].results[q] =
          result.quant.empty() ? y
                               : (y - result.quant.zeroPoint[s]) * static_cast<double>(result.quant.scale[s]);
    }
  return means;
}

void countIntegers(const rt::Tensor& t, int axis, std::vector<FunctionMeans>& means) {
  std::vector<uint8_t> raw(static_cast<size_t>(t.type.shape.elements()));
  rt::readRowMajor(t, raw.data());
  const size_t flip = t.type.dtype == rt::DType::I8 ? 128 : 0;
  size_t inner = 1;
  for (int i = axis + 1; i < t.type.shape.rank; ++i) inner *= static_cast<size_t>(t.type.shape[i]);
  for (size_t i = 0; i < raw.size(); ++i) ++means[i / inner % means.size()].counts[raw[i] ^ flip];
}

double shiftForMean(const FunctionMeans& means, double wanted) {
  constexpr int kPartsOfStep = 32;
  constexpr double kLeastSlope = 1.0 / 8; // of the steepest: less moves values for the sake of noise
  double steepest = 0;
  for (size_t q = 1; q < means.results.size(); ++q)
    steepest = std::max(steepest, std::fabs(means.results[q] - means.results[q - 1]));
  double best = 0, bestCost = std::fabs(meanAt(means, 0) - wanted);
  for (int i = 1; i <= static_cast<int>(kMaxShift * kPartsOfStep); ++i)
    for (const double shift : {static_cast<double>(i) / kPartsOfStep, -static_cast<double>(i) / kPartsOfStep})
      if (const double cost =
              std::fabs(meanAt(means, shift) - wanted) + kLeastSlope * steepest * std::fabs(shift);
          cost < bestCost)
        best = shift, bestCost = cost;
  return best;
}

} // namespace burin
