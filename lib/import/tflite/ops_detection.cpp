// Suppression of overlapping boxes. Results have their greatest length, what lies behind their count is zero.
#include "lib/import/tflite/operators.h"

#include <cmath>
#include <flatbuffers/flexbuffers.h>
#include <fmt/format.h>

namespace burin::tflite {

namespace {
constexpr int64_t kMaxDetections = 1 << 20;

struct PostProcess {
  int64_t maxDetections = 0, perDetection = 1, perClass = 100, classes = 0;
  float score = 0, overlap = 0;
  float yScale = 1, xScale = 1, hScale = 1, wScale = 1;
  bool eachClass = false;
};

std::optional<PostProcess> readPostProcess(NodeContext& c) {
  auto bytes = c.customOptions();
  if (bytes.size() < 3 || !flexbuffers::VerifyBuffer(bytes.data(), bytes.size()) ||
      !flexbuffers::GetRoot(bytes.data(), bytes.size()).IsMap()) {
    c.invalid("its options are missing or damaged");
    return std::nullopt;
  }
  flexbuffers::Map map = flexbuffers::GetRoot(bytes.data(), bytes.size()).AsMap();
  auto integer = [&](const char* key, int64_t fallback) {
    return map[key].IsNull() ? fallback : map[key].AsInt64();
  };
  PostProcess p;
  p.maxDetections = integer("max_detections", 0), p.perDetection = integer("max_classes_per_detection", 1);
  p.perClass = integer("detections_per_class", 100), p.classes = integer("num_classes", 0);
  p.score = map["nms_score_threshold"].AsFloat(), p.overlap = map["nms_iou_threshold"].AsFloat();
  p.yScale = map["y_scale"].AsFloat(), p.xScale = map["x_scale"].AsFloat();
  p.hScale = map["h_scale"].AsFloat(), p.wScale = map["w_scale"].AsFloat();
  p.eachClass = map["use_regular_nms"].AsBool();
  const bool good = p.maxDetections > 0 && p.maxDetections <= kMaxDetections && p.perClass > 0 &&
                    p.classes > 0 && p.perDetection > 0 && p.yScale != 0 && p.xScale != 0 && p.hScale != 0 &&
                    p.wScale != 0;
  if (!good)
    c.invalid("its options hold values that are not possible");
  else if (p.perDetection > 1 && !p.eachClass)
    c.unsupported("several classes per detection are not supported",
                  "export it with max_classes_per_detection=1");
  return c.failed() ? std::nullopt : std::optional(p);
}

// Offsets from anchors (both y, x, h, w) to corners [N, 4] (top, left, bottom, right).
Value decodedBoxes(NodeContext& c, const PostProcess& p, int64_t count) {
  Value code = c.slice(c.reshape(c.real(0), {count, NodeContext::dims(c.in(0)).back()}), 1, 0, 4);
  Value scales = c.constant(std::vector<float>{p.yScale, p.xScale, p.hScale, p.wScale}, {4});
  Value anchors = c.real(2), scaled = c.div(code, scales);
  auto part = [&](Value v, int64_t first) { return c.slice(v, 1, first, 2); };
  Value centre = c.add(c.mul(part(scaled, 0), part(anchors, 2)), part(anchors, 0));
  Value half = c.mul(c.mul(c.unary("exp", part(scaled, 2)), part(anchors, 2)), c.scalar(0.5, rt::DType::F32));
  return c.concat({c.sub(centre, half), c.add(centre, half)}, 1);
}

// Rows (batch, class, box), -1 behind the last. The threshold itself is good enough.
std::vector<Value> suppressed(NodeContext& c, Value boxes, Value scores, int64_t most, float score,
                              float overlap) {
  return c.emitAll("nms", {boxes, scores},
                   c.attrs()
                       .i("max_output", most)
                       .f("iou_threshold", overlap)
                       .f("score_threshold", std::nextafter(score, -INFINITY))
                       .b("center_point_box", false));
}

Value column(NodeContext& c, Value rows, int64_t i) { return c.squeeze(c.slice(rows, 1, i, 1), 1); }
Value maximumZero(NodeContext& c, Value index) { return c.binary("max", index, c.scalarLike(0, index)); }

// The first `most` entries, padded with `fill` when there are fewer.
Value fitted(NodeContext& c, Value list, int64_t most, double fill) {
  const int64_t size = NodeContext::dims(list)[0];
  if (size >= most) return c.slice(list, 0, 0, most);
  return c.concat({list, c.expand(c.scalarLike(fill, list), {most - size})}, 0);
}

struct Detections {
  Value box, label, score; // index, class and score of each; -1, -1 and -1 behind the last
};

// One suppression for all classes: a box stands for its best class.
Detections fastDetections(NodeContext& c, const PostProcess& p, Value boxes, Value scores) {
  Value best = c.reduce("max", scores, {1}, false);
  Value labels = c.emit("arg_reduce", {scores}, c.attrs().s("fn", "max").i("axis", 1).b("keep_dims", false));
  auto kept = suppressed(c, c.unsqueeze(boxes, 0), c.unsqueeze(c.unsqueeze(best, 0), 0), p.maxDetections,
                         p.score, p.overlap);
  if (kept.empty()) return {};
  Value index = fitted(c, column(c, kept[0], 2), p.maxDetections, -1), at = maximumZero(c, index);
  return {index, c.gather(labels, at, 0), c.gather(best, at, 0)};
}

// A suppression for each class, then the best of all.
Detections classwiseDetections(NodeContext& c, const PostProcess& p, Value boxes, Value scores) {
  Value byClass = c.transpose(scores, {1, 0});
  auto kept = suppressed(c, c.unsqueeze(boxes, 0), c.unsqueeze(byClass, 0), p.perClass, p.score, p.overlap);
  if (kept.empty()) return {};
  Value index = column(c, kept[0], 2), labels = column(c, kept[0], 1);
  Value pairs = c.concat({c.unsqueeze(maximumZero(c, labels), 1), c.unsqueeze(maximumZero(c, index), 1)}, 1);
  Value found = c.emit("gather_nd", {byClass, pairs}, c.attrs().i("batch_dims", 0));
  Value none = c.binary("less", index, c.scalarLike(0, index));
  // Enough entries for the result, whatever is kept.
  Value lowest = c.scalar(-INFINITY, rt::DType::F32),
        filler = c.constant(Ints(static_cast<size_t>(p.maxDetections), -1));
  found = c.concat({c.select(none, lowest, found), c.expand(lowest, {p.maxDetections})}, 0);
  index = c.concat({index, filler}, 0), labels = c.concat({labels, filler}, 0);
  auto top = c.emitAll("topk", {found}, c.attrs().i("k", p.maxDetections).i("axis", 0).b("largest", true));
  if (top.size() != 2) return {};
  return {c.gather(index, top[1], 0), c.gather(labels, top[1], 0), top[0]};
}

void importPostProcess(NodeContext& c) {
  auto p = readPostProcess(c);
  if (!p) return;
  Ints code = NodeContext::dims(c.in(0)), predictions = NodeContext::dims(c.in(1)),
       anchors = NodeContext::dims(c.in(2));
  if (code.size() != 3 || predictions.size() != 3 || code[0] != 1 || predictions[0] != 1 || code[2] < 4 ||
      predictions[1] != code[1] || anchors != Ints{code[1], 4} || predictions[2] < p->classes)
    return c.invalid("its boxes, scores and anchors do not fit together", "a batch of one picture is needed");
  Value boxes = decodedBoxes(c, *p, code[1]);
  // Classes in front of those that count are background.
  Value scores = c.slice(c.squeeze(c.real(1), 0), 1, predictions[2] - p->classes, p->classes);
  Detections d =
      p->eachClass ? classwiseDetections(c, *p, boxes, scores) : fastDetections(c, *p, boxes, scores);
  if (c.failed()) return;
  Value valid = c.binary("greater_equal", d.box, c.scalarLike(0, d.box)), zero = c.scalar(0, rt::DType::F32);
  Value corners = c.select(c.unsqueeze(valid, 1), c.gather(boxes, maximumZero(c, d.box), 0), zero);
  c.give(0, c.unsqueeze(corners, 0));
  if (c.wants(1)) c.give(1, c.unsqueeze(c.select(valid, c.cast(d.label, rt::DType::F32), zero), 0));
  if (c.wants(2)) c.give(2, c.unsqueeze(c.select(valid, d.score, zero), 0));
  if (c.wants(3)) c.give(3, c.reduce("sum", c.cast(valid, rt::DType::F32), {0}, true));
}

// Boxes [N, 4], scores [N], most, overlap, score, and the softness of version 5.
void importNonMaxSuppression(NodeContext& c) {
  auto most = c.constantInt(2, "greatest number of boxes");
  auto overlap = c.constantFloat(3, "overlap"), score = c.constantFloat(4, "score threshold");
  const bool soft = c.type() == "NON_MAX_SUPPRESSION_V5";
  auto sigma = soft ? c.constantFloat(5, "softness") : 0.0f;
  if (!most || !overlap || !score || !sigma) return;
  if (*sigma != 0)
    return c.unsupported("soft suppression is not supported", "convert the model with sigma 0");
  if (*most < 1 || *most > kMaxDetections)
    return c.invalid(fmt::format("its greatest number of boxes is {}", *most));
  Value scores = c.real(1);
  if (NodeContext::rank(scores) != 1) return c.invalid("its scores are no vector");
  auto kept =
      c.emitAll("nms", {c.unsqueeze(c.real(0), 0), c.reshape(scores, {1, 1, NodeContext::dims(scores)[0]})},
                c.attrs()
                    .i("max_output", *most)
                    .f("iou_threshold", *overlap)
                    .f("score_threshold", *score)
                    .b("center_point_box", false));
  if (kept.size() != 2) return;
  Value index = fitted(c, column(c, kept[0], 2), *most, -1);
  Value at = maximumZero(c, index);
  c.give(0, at);
  if (soft && c.wants(1)) {
    Value valid = c.binary("greater_equal", index, c.scalarLike(0, index));
    c.give(1, c.select(valid, c.gather(scores, at, 0), c.scalar(0, rt::DType::F32)));
  }
  const int last = soft ? 2 : 1;
  if (c.wants(last)) c.give(last, c.reshape(kept[1], {}));
}

const OperatorRow kRows[] = {
    {"custom:TFLite_Detection_PostProcess", importPostProcess, 3, 3, "fixture"},
    {"NON_MAX_SUPPRESSION_V4", importNonMaxSuppression, 5, 5, "fixture"},
    {"NON_MAX_SUPPRESSION_V5", importNonMaxSuppression, 6, 6, "fixture"},
};
} // namespace

const OperatorTable<OperatorRow> kDetectionOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite
