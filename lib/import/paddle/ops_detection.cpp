// Prior boxes, decoding of boxes, suppression.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"
#include "lib/import/suppression.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace burin::paddle {

namespace {
constexpr double kMostBoxes = 1 << 22; // that the rules write as constants

// 1 and the given ratios without repetitions, with their inverses when `flip`.
std::vector<float> aspectRatios(Node& n) {
  std::vector<float> ratios = {1.0f};
  for (float ratio : n.floats("aspect_ratios")) {
    bool known =
        std::any_of(ratios.begin(), ratios.end(), [&](float r) { return std::fabs(r - ratio) < 1e-6f; });
    if (known || !(ratio > 0)) continue;
    ratios.push_back(ratio);
    if (n.flag("flip")) ratios.push_back(1.0f / ratio);
  }
  return ratios;
}

// Half widths and heights at one place, in pixels.
std::vector<std::pair<float, float>> halfSizes(Node& n) {
  std::vector<float> small = n.floats("min_sizes"), big = n.floats("max_sizes"), ratios = aspectRatios(n);
  std::vector<std::pair<float, float>> halves;
  for (size_t i = 0; i < small.size(); ++i) {
    auto square = [&](float side) { halves.emplace_back(side / 2, side / 2); };
    auto add = [&](float ratio) {
      halves.emplace_back(small[i] * std::sqrt(ratio) / 2, small[i] / std::sqrt(ratio) / 2);
    };
    if (n.flag("min_max_aspect_ratios_order")) {
      square(small[i]);
      if (i < big.size()) square(std::sqrt(small[i] * big[i]));
      for (float ratio : ratios)
        if (std::fabs(ratio - 1) >= 1e-6f) add(ratio);
    } else {
      for (float ratio : ratios) add(ratio);
      if (i < big.size()) square(std::sqrt(small[i] * big[i]));
    }
  }
  return halves;
}

// [H, W, boxes, 4] as fractions of the image, and the variances in the same shape.
void importPriorBox(Node& n) {
  Ints map = RuleContext::dims(n.in("Input")), image = RuleContext::dims(n.in("Image"));
  auto halves = halfSizes(n);
  std::vector<float> variances = n.floats("variances");
  if (map.size() != 4 || image.size() != 4 || halves.empty() || halves.size() > 256 ||
      variances.size() != 4 ||
      static_cast<double>(map[2]) * static_cast<double>(map[3]) * static_cast<double>(halves.size()) >
          kMostBoxes)
    return n->invalid("its inputs, sizes or variances are not possible");
  float width = static_cast<float>(image[3]), height = static_cast<float>(image[2]),
        offset = n.real("offset", 0.5f);
  float stepX = n.real("step_w"), stepY = n.real("step_h");
  if (stepX == 0 || stepY == 0)
    stepX = width / static_cast<float>(map[3]), stepY = height / static_cast<float>(map[2]);
  std::vector<float> boxes, spread;
  auto push = [&](float v) { boxes.push_back(n.flag("clip") ? std::clamp(v, 0.0f, 1.0f) : v); };
  for (int64_t row = 0; row < map[2]; ++row)
    for (int64_t column = 0; column < map[3]; ++column) {
      float x = (static_cast<float>(column) + offset) * stepX, y = (static_cast<float>(row) + offset) * stepY;
      for (auto [w, h] : halves) {
        push((x - w) / width), push((y - h) / height), push((x + w) / width), push((y + h) / height);
        spread.insert(spread.end(), variances.begin(), variances.end());
      }
    }
  Ints shape = {map[2], map[3], static_cast<int64_t>(halves.size()), 4};
  n.set("Boxes", n->constant(boxes, shape));
  n.set("Variances", n->constant(spread, shape));
}

struct Boxes {
  Value centre, size; // [..., 2] each
};

// A box of pixels reaches to the end of its last one.
Boxes measured(Node& n, Value corners, bool normalized) {
  int64_t last = RuleContext::rank(corners) - 1;
  Value low = n->slice(corners, last, 0, 2), size = n->sub(n->slice(corners, last, 2, 2), low);
  if (!normalized) size = n->add(size, n->scalarLike(1, size));
  return {n->add(low, n->mul(size, n->scalarLike(0.5, size))), size};
}

void importBoxCoder(Node& n) {
  bool normalized = n.flag("box_normalized", true),
       decodes = n.text("code_type", "encode_center_size") == "decode_center_size";
  Value target = n.in("TargetBox"), variance;
  int64_t axis = decodes ? n.integer("axis") : 0;
  auto placed = [&](Value v) { return n->unsqueeze(v, axis == 0 ? 0 : 1); }; // priors along the other axis
  if (RuleContext::rank(n.in("PriorBox")) != 2 || RuleContext::rank(target) != (decodes ? 3 : 2) ||
      axis < 0 || axis > 1)
    return n->invalid("its boxes have another number of dimensions than it needs");
  if (n.has("PriorBoxVar")) {
    variance = placed(n.in("PriorBoxVar"));
  } else if (std::vector<float> given = n.floats("variance"); given.size() == 4) {
    variance = n->constant(given, {1, 1, 4});
  }
  Boxes prior = measured(n, placed(n.in("PriorBox")), normalized);
  if (!decodes) {
    Boxes box = measured(n, n->unsqueeze(target, 1), normalized);
    // The framework takes the middle of the corners, which differs from the centre of a box of pixels.
    if (!normalized) box.centre = n->sub(box.centre, n->scalarLike(0.5, box.centre));
    Value offset = n->div(n->sub(box.centre, prior.centre), prior.size);
    Value ratio = n->unary("log", n->unary("abs", n->div(box.size, prior.size)));
    Value code = n->concat({offset, ratio}, 2);
    return n.set("OutputBox", variance ? n->div(code, variance) : code);
  }
  if (variance) target = n->mul(target, variance);
  Value centre = n->add(n->mul(n->slice(target, 2, 0, 2), prior.size), prior.centre);
  Value half =
      n->mul(n->mul(n->unary("exp", n->slice(target, 2, 2, 2)), prior.size), n->scalarLike(0.5, target));
  Value high = n->add(centre, half);
  if (!normalized) high = n->sub(high, n->scalarLike(1, high));
  n.set("OutputBox", n->concat({n->sub(centre, half), high}, 2));
}

// x with its channels [anchors * fields, H, W] -> [N, anchors, fields, H, W].
Value asFields(Node& n, Value x, int64_t anchors) {
  Ints d = RuleContext::dims(x);
  return n->reshape(x, {d[0], anchors, d[1] / anchors, d[2], d[3]});
}

Value ramp(Node& n, int64_t count, const Ints& shape) {
  std::vector<float> values;
  if (count > static_cast<int64_t>(kMostBoxes)) {
    n->invalid(fmt::format("{} places or classes are too many", count));
    return {};
  }
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i));
  return n->constant(values, shape);
}

struct YoloGrid {
  Ints dims;       // of the input
  int64_t anchors; // at every place
  std::vector<float> widths, heights;
  Value imageWidth, imageHeight; // [N, 1, 1, 1, 1]
};

// The centre along one axis of the image, [N, anchors, 1, H, W].
Value yoloCentre(Node& n, const YoloGrid& grid, Value t, bool horizontal) {
  float scale = n.real("scale_x_y", 1), bias = -0.5f * (scale - 1);
  int64_t count = grid.dims[horizontal ? 3 : 2];
  Value place = n->mul(n->unary("sigmoid", t), n->scalarLike(scale, t));
  place = n->add(place, ramp(n, count, horizontal ? Ints{1, 1, 1, 1, count} : Ints{1, 1, 1, count, 1}));
  if (bias != 0) place = n->add(place, n->scalarLike(bias, t));
  return n->div(n->mul(place, horizontal ? grid.imageWidth : grid.imageHeight),
                n->scalarLike(static_cast<double>(count), t));
}

Value yoloSize(Node& n, const YoloGrid& grid, Value t, bool horizontal) {
  double whole = static_cast<double>(n.integer("downsample_ratio", 32) * grid.dims[horizontal ? 3 : 2]);
  Value anchor = n->constant(horizontal ? grid.widths : grid.heights, {1, grid.anchors, 1, 1, 1});
  Value size = n->mul(n->mul(n->unary("exp", t), anchor), horizontal ? grid.imageWidth : grid.imageHeight);
  return n->div(size, n->scalarLike(whole, t));
}

std::optional<YoloGrid> readGrid(Node& n) {
  YoloGrid grid;
  grid.dims = RuleContext::dims(n.in("X"));
  Ints anchors = n.ints("anchors");
  grid.anchors = static_cast<int64_t>(anchors.size() / 2);
  int64_t fields = 5 + n.integer("class_num") + n.flag("iou_aware");
  if (grid.dims.size() != 4 || grid.anchors < 1 || n.integer("class_num") < 1 ||
      grid.dims[1] != grid.anchors * fields || n.integer("downsample_ratio", 32) < 1) {
    n->invalid(fmt::format("its input {} does not hold {} anchors of {} values", dimsText(grid.dims),
                           grid.anchors, fields));
    return std::nullopt;
  }
  for (size_t i = 0; i + 1 < anchors.size(); i += 2) {
    grid.widths.push_back(static_cast<float>(anchors[i]));
    grid.heights.push_back(static_cast<float>(anchors[i + 1]));
  }
  Value image = n->cast(n.in("ImgSize"), rt::DType::F32); // [N, (height, width)]
  Ints shape = {grid.dims[0], 1, 1, 1, 1};
  grid.imageHeight = n->reshape(n->slice(image, 1, 0, 1), shape);
  grid.imageWidth = n->reshape(n->slice(image, 1, 1, 1), shape);
  return grid;
}

// Boxes in pixels of the image and a score per class; both 0 where the box is too unlikely.
void importYoloBox(Node& n) {
  auto grid = readGrid(n);
  if (!grid || n->failed()) return;
  const Ints& d = grid->dims;
  int64_t classes = n.integer("class_num"), first = n.flag("iou_aware") ? grid->anchors : 0;
  Value fields = asFields(n, n->slice(n.in("X"), 1, first, d[1] - first), grid->anchors);
  auto field = [&](int64_t at, int64_t count = 1) { return n->slice(fields, 2, at, count); };
  Value confidence = n->unary("sigmoid", field(4));
  if (first) {
    float factor = n.real("iou_aware_factor", 0.5f);
    Value iou = n->unary("sigmoid", asFields(n, n->slice(n.in("X"), 1, 0, first), grid->anchors));
    confidence = n->mul(n->binary("pow", confidence, n->scalarLike(1 - factor, iou)),
                        n->binary("pow", iou, n->scalarLike(factor, iou)));
  }
  Value unlikely = n->binary("less", confidence, n->scalarLike(n.real("conf_thresh", 0.01f), confidence));
  std::vector<Value> low, high;
  for (bool horizontal : {true, false}) {
    Value centre = yoloCentre(n, *grid, field(horizontal ? 0 : 1), horizontal);
    Value half =
        n->mul(yoloSize(n, *grid, field(horizontal ? 2 : 3), horizontal), n->scalarLike(0.5, centre));
    low.push_back(n->sub(centre, half));
    high.push_back(n->add(centre, half));
    if (!n.flag("clip_bbox", true)) continue;
    Value end = n->sub(horizontal ? grid->imageWidth : grid->imageHeight, n->scalarLike(1, half));
    low.back() = n->binary("max", low.back(), n->scalarLike(0, half));
    high.back() = n->binary("min", high.back(), end);
  }
  Value zero = n->scalarLike(0, confidence);
  auto rows = [&](Value v, int64_t columns) { // [N, anchors, columns, H, W] -> [N, boxes, columns]
    v = n->transpose(n->select(unlikely, zero, v), {0, 1, 3, 4, 2});
    return n->reshape(v, {d[0], grid->anchors * d[2] * d[3], columns});
  };
  n.set("Boxes", rows(n->concat({low[0], low[1], high[0], high[1]}, 2), 4));
  n.set("Scores", rows(n->mul(n->unary("sigmoid", field(5, classes)), confidence), classes));
}

constexpr double kNothing = -3e38;

// Scores of the background and, per class, of what is not among the nms_top_k best cannot win.
Value candidates(Node& n, Value scores, int64_t background) {
  Ints d = RuleContext::dims(scores); // [1, C, M]
  Value nothing = n->scalarLike(kNothing, scores);
  if (int64_t k = n.integer("nms_top_k", -1); k > 0 && k < d[2]) {
    auto best = n->emitAll("topk", {scores}, n->attrs().i("k", k).i("axis", 2).b("largest", true));
    if (best.size() != 2) return {};
    scores = n->select(n->binary("less", scores, n->slice(best[0], 2, k - 1, 1)), nothing, scores);
  }
  if (background < 0 || background >= d[1]) return scores;
  Value isBackground =
      n->binary("equal", ramp(n, d[1], {1, d[1], 1}), n->scalarLike(static_cast<double>(background), scores));
  return n->select(isBackground, nothing, scores);
}

// Rows (class, score, box), by class and then by score, at most keep_top_k of them; the rest are -1. The rows
// that count are those before NmsRoisNum.
void importMulticlassNms(Node& n) {
  Value boxes = n.in("BBoxes"), scores = n.in("Scores");
  Ints d = RuleContext::dims(scores);
  if (d.size() != 3 || RuleContext::rank(boxes) != 3 || d[0] != 1)
    return n->unsupported("it needs boxes [1, M, 4] and scores [1, C, M]",
                          "fix the batch to 1 with --input-shapes");
  if (n.real("nms_eta", 1) < 1)
    return n->unsupported("a threshold that adapts (nms_eta below 1) is not supported");
  Value reach = boxes; // of a box of pixels: to the end of its last one
  if (!n.flag("normalized", true))
    reach =
        n->concat({n->slice(boxes, 2, 0, 2), n->add(n->slice(boxes, 2, 2, 2), n->scalarLike(1, boxes))}, 2);
  scores = candidates(n, scores, n.integer("background_label"));
  Value kept =
      keptBoxes(n.context(), reach, scores, n.real("nms_threshold", 0.3f), n.real("score_threshold"));
  Value flat = n->reshape(n->select(kept, scores, n->scalarLike(kNothing, scores)), {d[1] * d[2]});
  int64_t keep = n.integer("keep_top_k", -1), rows = keep > 0 ? std::min(keep, d[1] * d[2]) : d[1] * d[2];
  auto best = n->emitAll("topk", {flat}, n->attrs().i("k", rows).i("axis", 0).b("largest", true));
  if (best.size() != 2) return;
  Value size = n->scalar(static_cast<double>(d[2]), rt::DType::I64);
  Value valid = n->binary("greater", best[0], n->scalarLike(kNothing / 2, flat));
  Value label = n->cast(n->div(best[1], size), rt::DType::F32);
  // Stable by class: equal keys keep the order of the scores.
  Value key = n->select(valid, n->unary("neg", label), n->scalarLike(kNothing, label));
  auto order = n->emitAll("topk", {key}, n->attrs().i("k", rows).i("axis", 0).b("largest", true));
  if (order.size() != 2) return;
  auto ordered = [&](Value v) { return n->reshape(n->gather(v, order[1], 0), {rows, 1}); };
  Value index = n->binary("mod", best[1], size),
        stays = n->cast(ordered(n->cast(valid, rt::DType::F32)), rt::DType::Bool);
  Value box = n->gather(n->reshape(boxes, {d[2], 4}), n->reshape(ordered(index), {rows}), 0);
  Value table = n->concat({ordered(label), ordered(best[0]), box}, 1);
  n.set("Out", n->select(stays, table, n->scalarLike(-1, table)));
  n.set("Index", n->cast(ordered(index), rt::DType::I32));
  n.set("NmsRoisNum", n->cast(n->reduce("sum", n->cast(valid, rt::DType::F32), {0}, true), rt::DType::I32));
}

const OperatorRow kRows[] = {
    {"prior_box", importPriorBox},
    {"box_coder", importBoxCoder},
    {"yolo_box", importYoloBox},
    {"multiclass_nms", importMulticlassNms},
    {"multiclass_nms2", importMulticlassNms},
    {"multiclass_nms3", importMulticlassNms},
};
} // namespace

const OperatorTable<OperatorRow> kDetectionOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle
