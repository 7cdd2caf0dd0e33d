// UltraFace (version-RFB and -slim): class scores and boxes on priors, decoded in the graph or raw.
#include "lib/analyze/detection_grid.h"

#include "runtime/math/double_math.h"

#include <algorithm>

namespace burin::detection {

namespace {
using rt::math::expDouble;

// The detector's own constants, pixels.
struct PriorLevel {
  int64_t stride;
  std::vector<double> sizes;
};
const std::vector<PriorLevel>& levels() {
  static const std::vector<PriorLevel> table = {
      {8, {10, 16, 24}}, {16, {32, 48}}, {32, {64, 96}}, {64, {128, 192, 256}}};
  return table;
}
constexpr double kCentreVariance = 0.1, kSizeVariance = 0.2;

int64_t priorCount(const DetectorOutput& o) {
  int64_t n = 0;
  for (const PriorLevel& level : levels())
    n += cellsOf(o, level.stride) * static_cast<int64_t>(level.sizes.size());
  return n;
}

struct Prior {
  double x, y, width, height; // fractions of the input, at most 1
};

std::vector<Prior> priorsOf(const DetectorOutput& o) {
  std::vector<Prior> priors;
  auto w = static_cast<double>(o.inputWidth), h = static_cast<double>(o.inputHeight);
  for (const PriorLevel& level : levels())
    forEachCell(o, {&level.stride, 1}, [&](const Cell& cell) {
      for (double size : level.sizes)
        priors.push_back({std::min(1.0, (cell.x + 0.5) * cell.stride / w),
                          std::min(1.0, (cell.y + 0.5) * cell.stride / h), std::min(1.0, size / w),
                          std::min(1.0, size / h)});
    });
  return priors;
}

struct Tensors {
  const NamedValues *scores = nullptr, *boxes = nullptr;
};

Tensors tensorsOf(const DetectorOutput& o) {
  Tensors found;
  if (o.tensors.size() != 2) return found;
  for (const NamedValues& t : o.tensors) {
    Table table;
    if (!asTable(t, table) || table.rows != priorCount(o)) continue;
    if (table.columns == 2) found.scores = &t;
    if (table.columns == 4) found.boxes = &t;
  }
  return found;
}

bool isUltraface(const DetectorOutput& o) {
  Tensors t = tensorsOf(o);
  return t.scores && t.boxes;
}

// Decoded boxes are corners as fractions, x0 < x1 and y0 < y1 in every row; raw ones are offsets, where that
// holds by chance.
bool areCorners(const std::vector<float>& boxes) {
  size_t ordered = 0;
  for (size_t i = 0; i + 3 < boxes.size(); i += 4)
    ordered += boxes[i] <= boxes[i + 2] && boxes[i + 1] <= boxes[i + 3];
  return ordered * 8 > boxes.size(); // more than half of the rows
}

// centre = prior + raw * 0.1 * prior's size, size = prior's size * exp(raw * 0.2): the SSD box coding.
Box decodeRaw(const float* raw, const Prior& p) {
  return centredBox(p.x + raw[0] * kCentreVariance * p.width, p.y + raw[1] * kCentreVariance * p.height,
                    p.width * expDouble(raw[2] * kSizeVariance),
                    p.height * expDouble(raw[3] * kSizeVariance));
}

Detections decodeUltraface(const DetectorOutput& o, double minScore) {
  Tensors t = tensorsOf(o);
  if (!t.scores || !t.boxes) return {};
  bool corners = areCorners(t.boxes->values);
  std::vector<Prior> priors = corners ? std::vector<Prior>{} : priorsOf(o);
  auto w = static_cast<double>(o.inputWidth), h = static_cast<double>(o.inputHeight);
  Detections found;
  const size_t rows = t.scores->values.size() / 2;
  for (size_t i = 0; i < rows; ++i) {
    double score = t.scores->values[2 * i + 1]; // column 0 is the background
    if (!(score > minScore)) continue;
    const float* raw = t.boxes->values.data() + 4 * i;
    Box box = corners ? Box{raw[0], raw[1], raw[2], raw[3]} : decodeRaw(raw, priors[i]);
    found.push_back({0, score, {box.x0 * w, box.y0 * h, box.x1 * w, box.y1 * h}});
  }
  return found;
}
} // namespace

const Decoder kUltraface = {
    "ultraface",
    "[1, priors, 2] scores and [1, priors, 4] boxes, decoded or raw; priors of strides 8, 16, 32, 64",
    0.7,
    0.3,
    isUltraface,
    decodeUltraface};

} // namespace burin::detection
