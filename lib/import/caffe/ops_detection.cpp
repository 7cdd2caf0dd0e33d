// The layers of single-shot detectors: prior boxes and the choice of detections.
#include "lib/import/caffe/operators.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <tuple>

namespace burin::caffe {

namespace {
constexpr int64_t kMaxNumbers = int64_t(1) << 24; // that a layer writes: real detectors stay far below

struct PriorSizes {
  std::vector<float> widths, heights; // of the boxes around one place, in the order of the result
};

// Squares of min_size and sqrt(min_size * max_size), then the other aspect ratios. Caffe computes with whole
// sizes.
std::optional<PriorSizes> priorSizes(LayerContext& c) {
  const std::vector<float> least = c.params.reals("min_size"), most = c.params.reals("max_size");
  std::vector<float> ratios = {1};
  for (float ratio : c.params.reals("aspect_ratio")) {
    if (!(ratio > 0)) {
      c.op.invalid(fmt::format("aspect_ratio is {}", ratio));
      return std::nullopt;
    }
    auto same = [&](float known) { return std::fabs(ratio - known) < 1e-6f; };
    if (std::any_of(ratios.begin(), ratios.end(), same)) continue;
    ratios.push_back(ratio);
    if (c.params.flag("flip", true)) ratios.push_back(1 / ratio);
  }
  PriorSizes sizes;
  auto add = [&](float width, float height) {
    sizes.widths.push_back(width);
    sizes.heights.push_back(height);
  };
  if (least.empty() || (!most.empty() && most.size() != least.size())) {
    c.op.invalid("needs a min_size, and no max_size or one for each");
    return std::nullopt;
  }
  for (size_t i = 0; i < least.size(); ++i) {
    const float size = std::trunc(least[i]);
    add(size, size);
    if (!most.empty()) {
      const float between = std::sqrt(size * std::trunc(most[i]));
      add(between, between);
    }
    for (size_t r = 1; r < ratios.size(); ++r) add(size * std::sqrt(ratios[r]), size / std::sqrt(ratios[r]));
  }
  return sizes;
}

struct Plane {
  int64_t height, width;             // places
  float pictureHeight, pictureWidth; // pixels
  float stepY, stepX;
};

// A pair of fields for height and width, or one for both; 0 without any.
std::pair<float, float> heightAndWidth(LayerContext& c, const char* high, const char* wide,
                                       const char* both) {
  const float size = c.params.real(both, 0);
  return {c.params.real(high, size), c.params.real(wide, size)};
}

std::optional<Plane> priorPlane(LayerContext& c) {
  const Ints places = c.dims(), picture = RuleContext::dims(c.op.in(1));
  if (places.size() != 4 || picture.size() != 4) {
    c.op.invalid("its bottoms are no pictures");
    return std::nullopt;
  }
  Plane plane{places[2], places[3], static_cast<float>(picture[2]), static_cast<float>(picture[3]), 0, 0};
  auto [height, width] = heightAndWidth(c, "img_h", "img_w", "img_size");
  if (height > 0 && width > 0) plane.pictureHeight = height, plane.pictureWidth = width;
  std::tie(plane.stepY, plane.stepX) = heightAndWidth(c, "step_h", "step_w", "step");
  if (plane.stepY == 0 || plane.stepX == 0) {
    plane.stepY = plane.pictureHeight / static_cast<float>(plane.height);
    plane.stepX = plane.pictureWidth / static_cast<float>(plane.width);
  }
  return plane;
}

// Corners relative to the picture, boxes around every place, row by row.
std::vector<float> priorCorners(const Plane& plane, const PriorSizes& sizes, float offset, bool clips) {
  std::vector<float> corners;
  auto add = [&](double pixels, float picture) {
    const float value = static_cast<float>(pixels / static_cast<double>(picture));
    corners.push_back(clips ? std::clamp(value, 0.0f, 1.0f) : value);
  };
  for (int64_t row = 0; row < plane.height; ++row)
    for (int64_t column = 0; column < plane.width; ++column)
      for (size_t i = 0; i < sizes.widths.size(); ++i) {
        const double x = (static_cast<float>(column) + offset) * plane.stepX,
                     y = (static_cast<float>(row) + offset) * plane.stepY;
        const double halfWidth = sizes.widths[i] / 2.0, halfHeight = sizes.heights[i] / 2.0;
        add(x - halfWidth, plane.pictureWidth);
        add(y - halfHeight, plane.pictureHeight);
        add(x + halfWidth, plane.pictureWidth);
        add(y + halfHeight, plane.pictureHeight);
      }
  return corners;
}

// [1, 2, 4 boxes]: corners, then variances.
void importPriorBox(LayerContext& c) {
  auto sizes = priorSizes(c);
  auto plane = sizes ? priorPlane(c) : std::nullopt;
  std::vector<float> variances = c.params.reals("variance");
  if (variances.empty()) variances = {0.1f};
  if (variances.size() == 1) variances.assign(4, variances[0]);
  if (variances.size() != 4) c.op.invalid("needs one variance or four");
  if (c.op.failed()) return;
  const double count = static_cast<double>(plane->height) * static_cast<double>(plane->width) *
                       static_cast<double>(sizes->widths.size()) * 4;
  if (count > static_cast<double>(kMaxNumbers)) return c.op.unsupported("it makes too many boxes");
  std::vector<float> values =
      priorCorners(*plane, *sizes, c.params.real("offset", 0.5f), c.params.flag("clip", false));
  const size_t each = values.size();
  for (size_t i = 0; i < each; ++i) values.push_back(variances[i % 4]);
  c.op.set(0, c.op.constant(values, {1, 2, static_cast<int64_t>(each)}));
}

struct Halves {
  Value first, second; // of four numbers per box
};

Halves halves(RuleContext& op, Value boxes) { return {op.slice(boxes, 1, 0, 2), op.slice(boxes, 1, 2, 2)}; }

// Corners [boxes, 4] from the network's offsets to the prior boxes.
Value decodedBoxes(LayerContext& c, int64_t boxes) {
  RuleContext& op = c.op;
  const int code = c.params.choice("code_type", {"", "CORNER", "CENTER_SIZE", "CORNER_SIZE"}, 1);
  auto part = [&](int64_t row) { return op.reshape(op.slice(op.in(2), 1, row, 1), {boxes, 4}); };
  Value offsets = op.reshape(op.in(0), {boxes, 4}), prior = part(0);
  if (!c.params.flag("variance_encoded_in_target", false)) offsets = op.mul(offsets, part(1));
  if (code == 1) return op.add(prior, offsets);
  const Halves corners = halves(op, prior), moves = halves(op, offsets);
  Value size = op.sub(corners.second, corners.first), two = op.scalar(2, rt::DType::F32);
  if (code == 3)
    return op.concat({op.add(corners.first, op.mul(moves.first, size)),
                      op.add(corners.second, op.mul(moves.second, size))},
                     1);
  Value centre = op.add(op.mul(moves.first, size), op.div(op.add(corners.first, corners.second), two));
  Value half = op.div(op.mul(op.unary("exp", moves.second), size), two);
  return op.concat({op.sub(centre, half), op.add(centre, half)}, 1);
}

struct Detections {
  Value classes, scores, boxes; // [rows], [rows], [rows, 4]
  Value exists;                 // [rows]; rows without a detection come last
};

// The best boxes of each class that overlap no better one too much, class by class.
Detections suppressed(LayerContext& c, Value boxes, Value scores, int64_t keep) {
  RuleContext& op = c.op;
  const Parameters nms = c.params.inner("nms_param");
  const Ints dims = RuleContext::dims(scores); // classes, boxes
  const int64_t classes = dims[0], among = nms.integer("top_k", -1);
  int64_t count = dims[1];
  if (nms.real("eta", 1) != 1) op.unsupported("an adaptive nms threshold (eta) is not supported");
  // Only the best top_k of each class take part; every class then has boxes of its own.
  const bool own = among > 0 && among < count;
  if (own) {
    count = among;
    auto best = op.emitAll("topk", {scores}, op.attrs().i("k", among).i("axis", 1).b("largest", true));
    if (best.size() != 2) return {};
    scores = best[0];
    boxes = op.gather(boxes, best[1], 0);
  }
  nn::AttrList attrs = op.attrs();
  attrs.i("max_output", keep < 0 ? count : std::min(keep, count))
      .f("iou_threshold", nms.real("nms_threshold", 0.3f))
      .b("center_point_box", false);
  if (c.params.has("confidence_threshold")) attrs.f("score_threshold", c.params.real("confidence_threshold"));
  auto chosen = op.emitAll("nms",
                           {op.reshape(boxes, {own ? classes : 1, count, 4}),
                            op.reshape(scores, own ? Ints{classes, 1, count} : Ints{1, classes, count})},
                           attrs);
  if (chosen.size() != 2) return {};
  // Rows hold (batch, class, box), or -1 behind the last one.
  const int64_t rows = RuleContext::dims(chosen[0])[0];
  auto column = [&](int64_t i) { return op.reshape(op.slice(chosen[0], 1, i, 1), {rows}); };
  auto number = [&](int64_t v) { return op.scalar(static_cast<double>(v), rt::DType::I64); };
  Value exists = op.binary("greater_equal", column(2), number(0));
  Value klass = op.binary("max", column(own ? 0 : 1), number(0)),
        box = op.binary("max", column(2), number(0));
  Value place = op.add(op.mul(klass, number(count)), box);
  return {klass, op.gather(op.reshape(scores, {classes * count}), place, 0),
          own ? op.gather(op.reshape(boxes, {classes * count, 4}), place, 0) : op.gather(boxes, box, 0),
          exists};
}

// The `keep` best rows of all classes, still class by class.
Detections bestRows(RuleContext& op, const Detections& all, int64_t keep) {
  Value worst = op.scalar(-std::numeric_limits<float>::max(), rt::DType::F32);
  auto pick = [&](Value x, bool largest) {
    return op.emitAll("topk", {x}, op.attrs().i("k", keep).i("axis", 0).b("largest", largest));
  };
  auto best = pick(op.select(all.exists, all.scores, worst), true);
  if (best.size() != 2) return all;
  auto sorted = pick(op.cast(best[1], rt::DType::F32), false); // their places in rising order
  if (sorted.size() != 2) return all;
  Value place = op.cast(sorted[0], rt::DType::I64);
  return {op.gather(all.classes, place, 0), op.gather(all.scores, place, 0), op.gather(all.boxes, place, 0),
          op.gather(all.exists, place, 0)};
}

// Rows (picture, class, score, corners). Their number is fixed here, so rows without a detection hold -1.
void importDetectionOutput(LayerContext& c) {
  RuleContext& op = c.op;
  const int64_t classes = c.params.integer("num_classes"), keep = c.params.integer("keep_top_k", -1);
  const int64_t background = c.params.integer("background_label_id", 0);
  const Ints prior = RuleContext::dims(op.in(2));
  const int64_t boxes = prior.size() == 3 && prior[1] == 2 ? prior[2] / 4 : 0;
  auto holds = [&](int i, int64_t perBox) {
    const Ints dims = RuleContext::dims(op.in(i));
    int64_t elements = 1;
    for (int64_t dim : dims) elements *= dim;
    return !dims.empty() && dims[0] == 1 && elements == boxes * perBox;
  };
  if (!c.params.flag("share_location", true)) return op.unsupported("boxes per class are not supported");
  if (classes < 2 || classes > 1 << 16 || boxes < 1 || !holds(0, 4) || !holds(1, classes))
    return op.unsupported(
        "its bottoms do not hold 4 offsets and a score per class for each prior box of one picture",
        "use a batch of 1");
  if (keep == 0 || keep < -1) return op.invalid(fmt::format("keep_top_k is {}", keep));
  std::vector<float> labels;
  Ints kept;
  for (int64_t i = 0; i < classes; ++i)
    if (i != background) labels.push_back(static_cast<float>(i)), kept.push_back(i);
  Value scores = op.transpose(op.reshape(op.in(1), {boxes, classes}), {1, 0});
  Detections found = suppressed(c, decodedBoxes(c, boxes), op.gather(scores, op.constant(kept), 0), keep);
  if (op.failed()) return;
  if (keep > 0 && keep < RuleContext::dims(found.scores)[0]) found = bestRows(op, found, keep);
  const int64_t rows = op.failed() ? 0 : RuleContext::dims(found.scores)[0];
  if (rows > kMaxNumbers / 7) return op.unsupported("it chooses among too many boxes", "set nms_param.top_k");
  auto asColumn = [&](Value x) { return op.reshape(x, {rows, 1}); };
  Value label = op.gather(op.constant(labels, {static_cast<int64_t>(labels.size())}), found.classes, 0);
  Value picture = op.constant(std::vector<float>(static_cast<size_t>(rows), 0), {rows, 1});
  Value table = op.concat({picture, asColumn(label), asColumn(found.scores), found.boxes}, 1);
  Value none = op.scalar(-1, rt::DType::F32);
  op.set(0, op.reshape(op.select(asColumn(found.exists), table, none), {1, 1, rows, 7}));
}

const LayerRow kRows[] = {
    {"PriorBox", importPriorBox, "prior_box_param", 2, 2, "fixture"},
    {"DetectionOutput", importDetectionOutput, "detection_output_param", 3, 3, "fixture"},
};
} // namespace

const OperatorTable<LayerRow> kDetectionLayers = {kRows, std::size(kRows)};

} // namespace burin::caffe
