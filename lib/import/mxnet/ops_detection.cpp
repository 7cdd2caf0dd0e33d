// Prior boxes, box decoding and suppression.
#include "lib/import/mxnet/operators.h"
#include "lib/import/mxnet/rules.h"
#include "lib/import/suppression.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace burin::mxnet {

namespace {
constexpr double kMostBoxes = 1 << 22; // that the rules write as constants

// Half widths and heights at one place: every size with the first ratio, then the first size with the others.
std::vector<std::pair<float, float>> halfSizes(Node& n, float aspect) {
  std::vector<float> sizes = n.reals("sizes", {1}), ratios = n.reals("ratios", {1});
  std::vector<std::pair<float, float>> halves;
  if (sizes.empty()) sizes = {1};
  if (ratios.empty()) ratios = {1};
  auto add = [&](float size, float ratio) {
    float root = std::sqrt(ratio);
    halves.emplace_back(size * aspect * root / 2, size / root / 2);
  };
  for (float size : sizes) add(size, ratios[0]);
  for (size_t i = 1; i < ratios.size(); ++i) add(sizes[0], ratios[i]);
  return halves;
}

void importPriorBoxes(Node& n) {
  Ints dims = RuleContext::dims(n.x());
  if (dims.size() != 4) return n->invalid("its input has no two spatial axes");
  int64_t height = dims[2], width = dims[3];
  std::vector<float> steps = n.reals("steps", {-1, -1}), offsets = n.reals("offsets", {0.5f, 0.5f});
  auto halves = halfSizes(n, static_cast<float>(height) / static_cast<float>(width));
  if (steps.size() != 2 || offsets.size() != 2 ||
      static_cast<double>(height) * static_cast<double>(width) * static_cast<double>(halves.size()) >
          kMostBoxes ||
      halves.size() > 256)
    return n->invalid("its steps, offsets or sizes are not possible");
  float stepY = steps[0] > 0 ? steps[0] : 1.0f / static_cast<float>(height);
  float stepX = steps[1] > 0 ? steps[1] : 1.0f / static_cast<float>(width);
  bool clip = n.flag("clip");
  std::vector<float> boxes;
  auto push = [&](float v) { boxes.push_back(clip ? std::clamp(v, 0.0f, 1.0f) : v); };
  for (int64_t row = 0; row < height; ++row)
    for (int64_t column = 0; column < width; ++column) {
      float y = (static_cast<float>(row) + offsets[0]) * stepY,
            x = (static_cast<float>(column) + offsets[1]) * stepX;
      for (auto [w, h] : halves) push(x - w), push(y - h), push(x + w), push(y + h);
    }
  n->set(0, n->constant(boxes, {1, static_cast<int64_t>(boxes.size() / 4), 4}));
}

// Offsets of the centre in sizes of the anchor, sizes as logarithms of ratios, both scaled by the variances.
Value decode(Node& n, Value offsets, Value anchors) {
  std::vector<float> v = n.reals("variances", {0.1f, 0.1f, 0.2f, 0.2f});
  if (v.size() != 4) {
    n->invalid("it needs four variances");
    return {};
  }
  Value centres = centresFromCorners(n.context(), anchors), scaled = n->mul(offsets, n->constant(v, {4}));
  Value size = n->slice(centres, 2, 2, 2), place = n->slice(centres, 2, 0, 2);
  Value centre = n->add(n->mul(n->slice(scaled, 2, 0, 2), size), place);
  Value half = n->mul(n->mul(n->unary("exp", n->slice(scaled, 2, 2, 2)), size), n->scalarLike(0.5, size));
  Value boxes = n->concat({n->sub(centre, half), n->add(centre, half)}, 2);
  return n.flag("clip", true) ? n->unary("clip", boxes, 0, 1) : boxes;
}

// [B, N] -> [B, C, N] with the score in its class's row and -1 in the others; all in one row when classes do
// not matter.
Value byClass(Node& n, Value scores, Value classes, int64_t count, bool together) {
  Ints dims = RuleContext::dims(scores);
  Value row = n->reshape(scores, {dims[0], 1, dims[1]});
  if (together) return row;
  Ints numbers;
  if (count > static_cast<int64_t>(kMostBoxes)) {
    n->invalid(fmt::format("{} classes are too many", count));
    return {};
  }
  for (int64_t i = 0; i < count; ++i) numbers.push_back(i);
  Value wanted = n->reshape(n->cast(n->constant(numbers), rt::DType::F32), {1, count, 1});
  Value isClass = n->binary("equal", n->reshape(classes, {dims[0], 1, dims[1]}), wanted);
  return n->select(isClass, row, n->scalarLike(-1, row));
}

// What stays in any class, [B, N, 1].
Value keptRows(Node& n, Value boxes, Value scores, Value classes, int64_t count, bool together, float iou,
               float threshold) {
  Value kept = keptBoxes(n.context(), boxes, byClass(n, scores, classes, count, together), iou, threshold);
  Ints dims = RuleContext::dims(scores);
  Value any = n->reduce("max", n->cast(kept, rt::DType::F32), {1}, false);
  return n->reshape(n->cast(any, rt::DType::Bool), {dims[0], dims[1], 1});
}

// Rows (class, score, corners), best score first; class -1 where a better box covers the row, all -1 where
// the score is below the threshold or nms_topk are better.
void importDetection(Node& n) {
  Ints dims = RuleContext::dims(n.x());
  if (dims.size() != 3 || dims[1] < 2 || n.integer("background_id") != 0)
    return n->unsupported("it needs scores [N, classes, anchors] with the background first");
  int64_t topK = n.integer("nms_topk", -1), rows = topK > 0 ? std::min(topK, dims[2]) : dims[2];
  float threshold = n.real("threshold", 0.01f), iou = n.real("nms_threshold", 0.5f);
  Value boxes = decode(n, n->reshape(n->in(1), {dims[0], dims[2], 4}), n->in(2));
  Value foreground = n->slice(n.x(), 1, 1, dims[1] - 1);
  Value best = n->reduce("max", foreground, {1}, false);
  Value index =
      n->emit("arg_reduce", {foreground}, n->attrs().s("fn", "max").i("axis", 1).b("keep_dims", false));
  auto sorted = n->emitAll("topk", {best}, n->attrs().i("k", rows).i("axis", 1).b("largest", true));
  if (sorted.size() != 2) return;
  boxes = pickRows(n.context(), boxes, sorted[1]);
  Value labels =
      n->cast(n->emit("gather_elements", {index, sorted[1]}, n->attrs().i("axis", 1)), rt::DType::F32);
  Value label = n->reshape(labels, {dims[0], rows, 1}), score = n->reshape(sorted[0], {dims[0], rows, 1});
  if (iou > 0 && iou <= 1) {
    Value kept = keptRows(n, boxes, sorted[0], labels, dims[1] - 1, n.flag("force_suppress"), iou, threshold);
    label = n->select(kept, label, n->scalarLike(-1, label));
  }
  Value y = n->concat({label, score, boxes}, 2);
  y = n->select(n->binary("less", score, n->scalarLike(threshold, score)), n->scalarLike(-1, y), y);
  n->set(
      0,
      n->emit("pad", {y},
              n->attrs().ints("pads", {0, 0, 0, 0, dims[2] - rows, 0}).s("mode", "constant").f("value", -1)));
}

// Boxes of different classes moved out of each other's reach.
Value apartByClass(Node& n, Value corners, Value ids) {
  Ints dims = RuleContext::dims(corners);
  Value reach = n->reduce("max", n->unary("abs", corners), {0, 1, 2}, true);
  Value step = n->add(n->mul(reach, n->scalarLike(2, reach)), n->scalarLike(1, reach));
  return n->add(corners, n->mul(n->reshape(ids, {dims[0], dims[1], 1}), step));
}

struct NmsColumns {
  int64_t box, score, id; // id -1: none

  static std::optional<NmsColumns> read(Node& n, int64_t width) {
    NmsColumns c{n.integer("coord_start", 2), n.integer("score_index", 1), n.integer("id_index", -1)};
    if (c.box >= 0 && c.box + 4 <= width && c.score >= 0 && c.score < width && c.id < width) return c;
    n->invalid(fmt::format("its columns do not fit rows of {}", width));
    return std::nullopt;
  }
};

// Rows with any columns around four of a box; what stays moves to the front, the rest is -1.
void importBoxNms(Node& n) {
  Ints dims = RuleContext::dims(n.x());
  auto columns = dims.size() < 2 ? std::nullopt : NmsColumns::read(n, dims.back());
  if (!columns) return n->invalid("its input has no rows");
  int64_t count = dims[dims.size() - 2], batch = product(dims, 0, dims.size() - 2);
  Value x = n->reshape(n.x(), {batch, count, dims.back()}), nothing = n->scalarLike(-1e30, x);
  auto column = [&](Value rows, int64_t at) { return n->reshape(n->slice(rows, 2, at, 1), {batch, count}); };
  Value scores = column(x, columns->score);
  if (int64_t background = n.integer("background_id", -1); columns->id >= 0 && background >= 0)
    scores = n->select(
        n->binary("equal", column(x, columns->id), n->scalarLike(static_cast<double>(background), x)),
        nothing, scores);
  auto sorted = n->emitAll("topk", {scores}, n->attrs().i("k", count).i("axis", 1).b("largest", true));
  if (sorted.size() != 2) return;
  scores = sorted[0], x = pickRows(n.context(), x, sorted[1]);
  if (int64_t topK = n.integer("topk", -1); topK > 0 && topK < count) // the others are no candidates
    scores = n->concat({n->slice(scores, 1, 0, topK), n->expand(nothing, {batch, count - topK})}, 1);
  bool centres = n.text("in_format", "corner") == "center",
       toCentres = n.text("out_format", "corner") == "center";
  Value boxes = n->slice(x, 2, columns->box, 4),
        corners = centres ? cornersFromCentres(n.context(), boxes) : boxes;
  bool together = columns->id < 0 || n.flag("force_suppress");
  Value reachable = together ? corners : apartByClass(n, corners, column(x, columns->id));
  Value kept =
      keptRows(n, reachable, scores, {}, 1, true, n.real("overlap_thresh", 0.5f), n.real("valid_thresh"));
  if (centres != toCentres) {
    Value changed = toCentres ? centresFromCorners(n.context(), boxes) : corners;
    int64_t behind = columns->box + 4;
    std::vector<Value> parts = {changed};
    if (columns->box > 0) parts.insert(parts.begin(), n->slice(x, 2, 0, columns->box));
    if (behind < dims.back()) parts.push_back(n->slice(x, 2, behind, dims.back() - behind));
    x = n->concat(parts, 2);
  }
  Value flags = n->cast(n->reshape(kept, {batch, count}), rt::DType::F32); // equal ones keep their order
  auto compact = n->emitAll("topk", {flags}, n->attrs().i("k", count).i("axis", 1).b("largest", true));
  if (compact.size() != 2) return;
  Value stays = n->reshape(n->cast(compact[0], rt::DType::Bool), {batch, count, 1});
  x = pickRows(n.context(), x, compact[1]);
  n->set(0, n->reshape(n->select(stays, x, n->scalarLike(-1, x)), dims));
}

const OperatorRow kRows[] = {
    {"_contrib_MultiBoxPrior", importPriorBoxes},
    {"MultiBoxPrior", importPriorBoxes},
    {"_contrib_MultiBoxDetection", importDetection},
    {"MultiBoxDetection", importDetection},
    {"_contrib_box_nms", importBoxNms},
    {"_contrib_box_non_maximum_suppression", importBoxNms},
};
} // namespace

const OperatorTable<OperatorRow> kDetectionOperators = {kRows, std::size(kRows)};

} // namespace burin::mxnet
