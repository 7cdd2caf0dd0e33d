// Non-maximum suppression in its five versions.
#include "lib/import/tensorflow/operators.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace burin::tensorflow {

namespace {
struct Suppression {
  int64_t most = 0;
  float overlap = 0.5f;
  std::optional<float> score;
};

// Boxes, scores, and one number more with every version.
std::optional<Suppression> readSuppression(RuleContext& c, Attributes& a) {
  Suppression s;
  auto most = c.constantInt(2, "greatest number of boxes");
  if (!most) return std::nullopt;
  s.most = std::clamp<int64_t>(*most, 0, int64_t(1) << 31);
  s.overlap = a.real("iou_threshold", 0.5f);
  if (c.inputCount() > 3) {
    auto overlap = c.constantFloat(3, "overlap threshold");
    if (!overlap) return std::nullopt;
    s.overlap = *overlap;
  }
  if (c.inputCount() > 4) {
    s.score = c.constantFloat(4, "score threshold");
    if (!s.score) return std::nullopt;
  }
  if (c.inputCount() > 5) {
    auto sigma = c.constantFloat(5, "soft_nms_sigma");
    if (!sigma) return std::nullopt;
    if (*sigma != 0) {
      c.unsupported("soft suppression (soft_nms_sigma) is not supported");
      return std::nullopt;
    }
  }
  return s;
}

// [n] with zeros behind it up to `size`.
Value padded(RuleContext& c, Value x, int64_t size) {
  int64_t n = RuleContext::dims(x).at(0);
  return n >= size ? x : c.emit("pad", {x}, c.attrs().ints("pads", {0, size - n}).s("mode", "constant"));
}

void importSuppression(RuleContext& c, Attributes& a) {
  auto given = readSuppression(c, a);
  if (!given) return;
  Ints boxes = RuleContext::dims(c.in(0)), scores = RuleContext::dims(c.in(1));
  if (boxes.size() != 2 || boxes[1] != 4 || scores.size() != 1 || scores[0] != boxes[0])
    return c.invalid(fmt::format("its boxes are {}, its scores {}", dimsText(boxes), dimsText(scores)));
  nn::AttrList list = c.attrs();
  list.i("max_output", given->most).f("iou_threshold", given->overlap).b("center_point_box", false);
  if (given->score && *given->score > -std::numeric_limits<float>::infinity())
    list.f("score_threshold", *given->score);
  auto results = c.emitAll("nms", {c.unsqueeze(c.in(0), 0), c.reshape(c.in(1), {1, 1, boxes[0]})}, list);
  if (results.size() != 2) return;
  const bool pads = a.flag("pad_to_max_output_size");
  const bool hasScores = c.type() == "NonMaxSuppressionV5";
  Value rows = results[0], index = c.squeeze(c.slice(rows, 1, 2, 1), 1), count = results[1];
  if (nn::isConstant(count) && !pads)
    index = c.slice(index, 0, 0, nn::constantInts(count).at(0));
  else if (!pads)
    c.session().warn(fmt::format("'{}' has room for {} boxes; those beyond the number it keeps are -1",
                                 c.name(), RuleContext::dims(index).at(0)));
  Value kept = c.binary("greater_equal", index, c.scalarLike(0, index));
  if (pads) index = c.binary("max", index, c.scalarLike(0, index));
  Value room = c.cast(index, rt::DType::I32);
  c.set(0, pads ? padded(c, room, given->most) : room);
  if (hasScores && c.wants(1)) {
    Value zero = c.scalarLike(0, c.in(1));
    Value chosen = c.select(kept, c.gather(c.in(1), index, 0), zero);
    c.set(1, pads ? padded(c, chosen, given->most) : chosen);
  }
  const int countOutput = hasScores ? 2 : 1;
  if (c.wants(countOutput)) c.set(countOutput, c.cast(c.reshape(count, {}), rt::DType::I32));
}

const OperatorRow kRows[] = {
    {"NonMaxSuppression", importSuppression, 3, 3},
    {"NonMaxSuppressionV2", importSuppression, 4, 4},
    {"NonMaxSuppressionV3", importSuppression, 5, 5},
    {"NonMaxSuppressionV4", importSuppression, 5, 5, "", "fixture", "selected_indices valid_outputs"},
    {"NonMaxSuppressionV5", importSuppression, 6, 6, "", "fixture",
     "selected_indices selected_scores valid_outputs"},
};
} // namespace

const OperatorTable<OperatorRow> kDetectionOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
