// The definition of Lin et al., "Microsoft COCO: Common Objects in Context", 2014, as their evaluation
// computes it: each detection, by falling score, takes the box of its class and picture with the largest
// overlap that is not taken; precision is made monotone from the right and read at 101 recalls.
#include "lib/analyze/detection_average_precision.h"

#include <algorithm>
#include <array>

namespace burin {

namespace {
constexpr int kOverlaps = 10;
constexpr int kRecallPoints = 101;
constexpr size_t kDetectionsPerPicture = 100;

// The numbers of linspace(0.5, 0.95, 10) and linspace(0, 1, 101): start + i * step.
double overlapThreshold(int i) { return 0.5 + i * ((0.95 - 0.5) / (kOverlaps - 1)); }
double recallPoint(int i) { return i * 0.01; }

struct Judged {
  double score = 0;
  bool right = false, ignored = false;
};

// Crowd regions compare with the detection's own area and may be taken any number of times.
double overlapWith(const Detection& d, const TruthBox& t) {
  if (!t.crowd) return intersectionOverUnion(d.box, t.box);
  return d.box.area() > 0 ? intersectionArea(d.box, t.box) / d.box.area() : 0;
}

// The index of the box that `d` takes, or -1. Boxes that are no crowd come first and are preferred.
int takeBox(const Detection& d, const std::vector<const TruthBox*>& truth, const std::vector<bool>& taken,
            double threshold) {
  int best = -1;
  double bestOverlap = std::min(threshold, 1 - 1e-10);
  for (size_t i = 0; i < truth.size(); ++i) {
    if (taken[i] && !truth[i]->crowd) continue;
    if (best >= 0 && !truth[static_cast<size_t>(best)]->crowd && truth[i]->crowd) break;
    double overlap = overlapWith(d, *truth[i]);
    if (overlap < bestOverlap) continue;
    best = static_cast<int>(i);
    bestOverlap = overlap;
  }
  return best;
}

void judgePicture(const DetectedPicture& picture, int classIndex, double threshold,
                  std::vector<Judged>& out) {
  std::vector<const TruthBox*> truth;
  for (bool crowd : {false, true})
    for (const TruthBox& t : *picture.truth)
      if (t.classIndex == classIndex && t.crowd == crowd) truth.push_back(&t);
  std::vector<bool> taken(truth.size());
  size_t count = 0;
  for (const Detection& d : *picture.found) {
    if (d.classIndex != classIndex || count == kDetectionsPerPicture) continue;
    ++count;
    int box = takeBox(d, truth, taken, threshold);
    if (box >= 0) taken[static_cast<size_t>(box)] = true;
    out.push_back({d.score, box >= 0, box >= 0 && truth[static_cast<size_t>(box)]->crowd});
  }
}

// Mean over the recall points of the largest precision at that recall or above.
double areaUnderCurve(std::vector<Judged> judged, size_t boxes) {
  std::ranges::stable_sort(judged, std::greater<>{}, &Judged::score);
  std::vector<double> recall, precision;
  size_t right = 0, wrong = 0;
  for (const Judged& j : judged) {
    if (j.ignored) continue;
    ++(j.right ? right : wrong);
    recall.push_back(static_cast<double>(right) / static_cast<double>(boxes));
    precision.push_back(static_cast<double>(right) / static_cast<double>(right + wrong));
  }
  for (size_t i = precision.size(); i-- > 1;) precision[i - 1] = std::max(precision[i - 1], precision[i]);
  double sum = 0;
  for (int i = 0; i < kRecallPoints; ++i) {
    auto at = std::ranges::lower_bound(recall, recallPoint(i)) - recall.begin();
    if (at < static_cast<ptrdiff_t>(precision.size())) sum += precision[static_cast<size_t>(at)];
  }
  return sum / kRecallPoints;
}

size_t countBoxes(std::span<const DetectedPicture> pictures, int classIndex) {
  size_t boxes = 0;
  for (const DetectedPicture& p : pictures)
    boxes += static_cast<size_t>(std::ranges::count_if(
        *p.truth, [&](const TruthBox& t) { return t.classIndex == classIndex && !t.crowd; }));
  return boxes;
}
} // namespace

AveragePrecision averagePrecision(std::span<const DetectedPicture> pictures, int classCount) {
  AveragePrecision result;
  double sum = 0, sum50 = 0;
  for (int c = 0; c < classCount; ++c) {
    size_t boxes = countBoxes(pictures, c);
    if (boxes == 0) continue;
    ++result.classes;
    for (int t = 0; t < kOverlaps; ++t) {
      std::vector<Judged> judged;
      for (const DetectedPicture& p : pictures) judgePicture(p, c, overlapThreshold(t), judged);
      double ap = areaUnderCurve(std::move(judged), boxes);
      sum += ap;
      if (t == 0) sum50 += ap;
    }
  }
  if (result.classes) {
    result.map50 = sum50 / static_cast<double>(result.classes);
    result.map = sum / static_cast<double>(result.classes * kOverlaps);
  }
  return result;
}

} // namespace burin
