#include "lib/analyze/detection_agreement.h"

#include <algorithm>

namespace burin {

namespace {
// The best partner of `d` among those not taken, or -1.
int findPartner(const Detection& d, const Detections& offered, const std::vector<bool>& taken) {
  int best = -1;
  double bestOverlap = 0;
  for (size_t i = 0; i < offered.size(); ++i) {
    if (taken[i] || offered[i].classIndex != d.classIndex) continue;
    double overlap = intersectionOverUnion(d.box, offered[i].box);
    if (overlap < kMatchOverlap || overlap <= bestOverlap) continue;
    best = static_cast<int>(i);
    bestOverlap = overlap;
  }
  return best;
}

double share(const Found& f) {
  return f.wanted ? static_cast<double>(f.found) / static_cast<double>(f.wanted) : 0;
}

bool isOnCrowd(const Detection& d, std::span<const TruthBox> truth) {
  return std::ranges::any_of(truth, [&](const TruthBox& t) {
    return t.crowd && t.classIndex == d.classIndex && d.box.area() > 0 &&
           intersectionArea(d.box, t.box) / d.box.area() >= kMatchOverlap;
  });
}
} // namespace

Found countFound(const Detections& wanted, double threshold, const Detections& offered) {
  Found result;
  std::vector<bool> taken(offered.size());
  for (const Detection& d : wanted) {
    if (!(d.score > threshold)) continue;
    ++result.wanted;
    int partner = findPartner(d, offered, taken);
    if (partner < 0) continue;
    taken[static_cast<size_t>(partner)] = true;
    ++result.found;
  }
  return result;
}

double Agreement::precisionValue() const { return share(precision); }
double Agreement::recallValue() const { return share(recall); }
double Agreement::f1() const {
  double p = precisionValue(), r = recallValue();
  return p + r > 0 ? 2 * p * r / (p + r) : 0;
}

Agreement compareDetections(const Detections& reference, const Detections& actual, double threshold) {
  return {countFound(actual, threshold, reference), countFound(reference, threshold, actual)};
}

Agreement compareWithTruth(std::span<const TruthBox> truth, const Detections& actual, double threshold) {
  Detections wanted, certain;
  for (const TruthBox& t : truth)
    if (!t.crowd) wanted.push_back({t.classIndex, 1, t.box});
  for (const Detection& d : actual)
    if (d.score > threshold) certain.push_back(d);
  // One matching serves both sides: detections choose by falling score.
  Agreement result;
  std::vector<bool> taken(wanted.size());
  result.recall.wanted = wanted.size();
  for (const Detection& d : certain) {
    int partner = findPartner(d, wanted, taken);
    if (partner < 0 && isOnCrowd(d, truth)) continue;
    ++result.precision.wanted;
    if (partner < 0) continue;
    taken[static_cast<size_t>(partner)] = true;
    ++result.precision.found;
    ++result.recall.found;
  }
  return result;
}

} // namespace burin
