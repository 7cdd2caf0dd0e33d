#include "lib/pipeline/advice.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin {

namespace {
// Clipping is the cause where the range leaves out values and that alone makes about as much noise.
bool isClipped(const quantize::TensorPlan& t, const TensorRange& range, double after) {
  return t.threshold < 0.95 * range.absoluteMaximum && range.quality.sqnrDb < after + 3;
}

// The spread of the channels' ranges where all of them share one scale; 1 where they do not or it is unknown.
double channelSpread(const quantize::TensorPlan& t, const TensorRange& range) {
  if (!t.channels.empty() || range.channelMin.empty()) return 1;
  double smallest = range.absoluteMaximum, largest = 0;
  for (size_t c = 0; c < range.channelMin.size(); ++c) {
    const double magnitude = std::max(-range.channelMin[c], range.channelMax[c]);
    largest = std::max(largest, magnitude);
    if (magnitude > 0) smallest = std::min(smallest, magnitude);
  }
  return smallest > 0 ? largest / smallest : 1;
}

std::string clipping(const TensorRange& range, const quantize::TensorPlan& t) {
  return fmt::format("values up to {:.4g} are clipped at {:.4g}; try --method mse or max, or more samples",
                     range.absoluteMaximum, t.threshold);
}

std::string reasonOf(const LayerLoss& loss, const quantize::QuantPlan* plan, const CalibrationTable* table) {
  constexpr double kWide = 16; // four of the eight bits
  const quantize::TensorPlan* t = plan ? plan->tensor(loss.name) : nullptr;
  const TensorRange* range = table ? table->find(loss.name) : nullptr;
  if (!t || !range) return "rounding of its operands and weights";
  if (isClipped(*t, *range, loss.after)) return clipping(*range, *t);
  const quantize::TensorPlan* before = plan->tensor(loss.operand);
  const TensorRange* rangeBefore = table->find(loss.operand);
  // A range cut to where the function bends is narrower than the table's, and costs nothing.
  if (before && rangeBefore && before->threshold >= rangeBefore->threshold &&
      isClipped(*before, *rangeBefore, loss.after))
    return "of its operand, " + clipping(*rangeBefore, *before);
  if (const double spread = channelSpread(*t, *range); spread > kWide)
    return fmt::format("its channels differ {:.0f}-fold in range and share one scale", spread);
  if (range->quality.sqnrDb < loss.after + 3)
    return fmt::format(
        "8 bits give its values {:.1f} dB at most: most of them are small beside a few large ones",
        range->quality.sqnrDb);
  return "rounding of its operands and weights";
}
} // namespace

std::vector<std::string> advise(const Verification& verification, const quantize::QuantPlan* plan,
                                const CalibrationTable* table) {
  std::vector<std::string> lines;
  for (const TensorSimilarity& output : verification.outputs)
    if (output.sqnrDb < kGoodSqnrDb)
      lines.push_back(fmt::format("output {} is far from float ({:.1f} dB)", output.name, output.sqnrDb));
  if (lines.empty()) return lines;
  for (const LayerLoss& loss : verification.losses)
    lines.push_back(fmt::format("{} ({}) falls from {} to {:.1f} dB: {}", loss.name, loss.type,
                                loss.before >= 100 ? "exact" : fmt::format("{:.1f} dB", loss.before),
                                loss.after, reasonOf(loss, plan, table)));
  lines.push_back(
      "to keep a layer in float: --save-plan plan.json, set its \"precision\" to \"f32\" there, and give "
      "--plan plan.json; 'burin eval --against' tells whether it matters");
  return lines;
}

} // namespace burin
