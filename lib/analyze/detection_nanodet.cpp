// NanoDet: per stride a table of class scores and one of side distances as distributions over bins.
#include "lib/analyze/detection_grid.h"

#include "runtime/math/double_math.h"

#include <algorithm>

namespace burin::detection {

namespace {
using rt::math::expDouble;

constexpr int64_t kStrides[] = {8, 16, 32, 64};

struct Head {
  int64_t stride = 0;
  const NamedValues* scores = nullptr;
  const NamedValues* distances = nullptr;
  int64_t classes = 0, bins = 0;
};

// A head is a pair of outputs with as many rows as the stride has cells; the one with "cls" in its name has
// the scores.
std::vector<Head> headsOf(const DetectorOutput& o) {
  std::vector<Head> heads;
  size_t used = 0;
  for (int64_t stride : kStrides) {
    Head head{stride};
    for (const NamedValues& t : o.tensors) {
      Table table;
      if (!asTable(t, table) || table.rows != cellsOf(o, stride)) continue;
      ++used;
      if (t.name.find("cls") != std::string::npos)
        head.scores = &t, head.classes = table.columns;
      else if (table.columns % 4 == 0 && table.columns > 4)
        head.distances = &t, head.bins = table.columns / 4;
    }
    if (head.scores && head.distances) heads.push_back(head);
  }
  return used == o.tensors.size() && heads.size() * 2 == used ? heads : std::vector<Head>{};
}

// The mean of the distribution softmax(logits) over 0, 1, 2, ...: Li et al., "Generalized Focal Loss", 2020.
double expectation(const float* logits, int64_t bins) {
  double highest = *std::max_element(logits, logits + bins), sum = 0, weighted = 0;
  for (int64_t i = 0; i < bins; ++i) {
    double e = expDouble(logits[i] - highest);
    sum += e;
    weighted += e * static_cast<double>(i);
  }
  return weighted / sum;
}

Box boxAt(const Cell& cell, const float* distances, int64_t bins) {
  double x = (cell.x + 0.5) * cell.stride, y = (cell.y + 0.5) * cell.stride, side[4];
  for (int i = 0; i < 4; ++i) side[i] = expectation(distances + i * bins, bins) * cell.stride;
  return {x - side[0], y - side[1], x + side[2], y + side[3]};
}

bool isNanodet(const DetectorOutput& o) { return headsOf(o).size() >= 3; }

Detections decodeNanodet(const DetectorOutput& o, double minScore) {
  Detections found;
  for (const Head& head : headsOf(o)) {
    int64_t row = 0;
    forEachCell(o, {&head.stride, 1}, [&](const Cell& cell) {
      BestClass best = bestClass(head.scores->values.data() + row * head.classes, head.classes);
      if (best.score > minScore)
        found.push_back({best.index, best.score,
                         boxAt(cell, head.distances->values.data() + row * 4 * head.bins, head.bins)});
      ++row;
    });
  }
  return found;
}
} // namespace

const Decoder kNanodet = {"nanodet",
                          "two outputs per stride 8, 16, 32 (64): [1, cells, classes] with 'cls' in its "
                          "name, and [1, cells, 4 * bins]",
                          0.3,
                          0.45,
                          isNanodet,
                          decodeNanodet};

} // namespace burin::detection
