// The YOLO family: one table with a row per location.
#include "lib/analyze/detection_grid.h"

#include "runtime/math/double_math.h"

namespace burin::detection {

namespace {
using rt::math::expDouble;

constexpr int64_t kYolov5Anchors = 3;

bool oneTable(const DetectorOutput& o, Table& table) {
  return o.tensors.size() == 1 && asTable(o.tensors[0], table);
}

bool isYolox(const DetectorOutput& o) {
  Table t;
  return oneTable(o, t) && t.columns > 5 && !stridesFor(o, t.rows, 1).empty();
}

// centre = (o0 + x, o1 + y) * stride, size = exp(o2, o3) * stride, score = o4 * best class: Ge et al.,
// "YOLOX: Exceeding YOLO Series in 2021".
Detections decodeYolox(const DetectorOutput& o, double minScore) {
  Table table;
  oneTable(o, table);
  Detections found;
  const float* row = o.tensors[0].values.data();
  forEachCell(o, stridesFor(o, table.rows, 1), [&](const Cell& cell) {
    BestClass best = bestClass(row + 5, table.columns - 5);
    double score = row[4] * best.score;
    if (score > minScore)
      found.push_back({best.index, score,
                       centredBox((row[0] + cell.x) * cell.stride, (row[1] + cell.y) * cell.stride,
                                  expDouble(row[2]) * cell.stride, expDouble(row[3]) * cell.stride)});
    row += table.columns;
  });
  return found;
}

bool isYolov5(const DetectorOutput& o) {
  Table t;
  return oneTable(o, t) && t.columns > 5 && !stridesFor(o, t.rows, kYolov5Anchors).empty();
}

// Rows of centre, size, objectness and class scores, decoded in the graph. Some exports give fractions of the
// input instead of pixels: the centres span the whole picture either way, so the largest one tells.
Detections decodeYolov5(const DetectorOutput& o, double minScore) {
  Table table;
  oneTable(o, table);
  const float* values = o.tensors[0].values.data();
  float largest = 0;
  for (int64_t i = 0; i < table.rows; ++i) largest = std::max(largest, values[i * table.columns]);
  bool fractions = largest <= 2;
  double width = fractions ? static_cast<double>(o.inputWidth) : 1,
         height = fractions ? static_cast<double>(o.inputHeight) : 1;
  Detections found;
  for (int64_t i = 0; i < table.rows; ++i) {
    const float* row = values + i * table.columns;
    BestClass best = bestClass(row + 5, table.columns - 5);
    double score = row[4] * best.score;
    if (score > minScore)
      found.push_back(
          {best.index, score, centredBox(row[0] * width, row[1] * height, row[2] * width, row[3] * height)});
  }
  return found;
}

bool isYolov8(const DetectorOutput& o) {
  Table t;
  return oneTable(o, t) && t.rows > 4 && !stridesFor(o, t.columns, 1).empty();
}

// The same transposed and without objectness: row 0..3 centre and size in pixels, then a row per class.
Detections decodeYolov8(const DetectorOutput& o, double minScore) {
  Table table;
  oneTable(o, table);
  const float* v = o.tensors[0].values.data();
  const int64_t n = table.columns;
  Detections found;
  for (int64_t i = 0; i < n; ++i) {
    BestClass best = bestClass(v + 4 * n + i, table.rows - 4, n);
    if (best.score > minScore)
      found.push_back({best.index, best.score, centredBox(v[i], v[n + i], v[2 * n + i], v[3 * n + i])});
  }
  return found;
}
} // namespace

const Decoder kYolox = {
    "yolox", "one output [1, cells of strides 8, 16, 32 (64), 5 + classes], boxes relative to the cells",
    0.3,     0.45,
    isYolox, decodeYolox};
const Decoder kYolov5 = {
    "yolov5", "one output [1, 3 * cells of strides 8, 16, 32 (64), 5 + classes], decoded boxes",
    0.3,      0.45,
    isYolov5, decodeYolov5};
const Decoder kYolov8 = {
    "yolov8", "one output [1, 4 + classes, cells of strides 8, 16, 32 (64)], decoded boxes",
    0.3,      0.45,
    isYolov8, decodeYolov8};

} // namespace burin::detection
