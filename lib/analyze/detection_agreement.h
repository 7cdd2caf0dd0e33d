// How far two sets of detections agree: two networks on the same pictures, or a network and ground truth.
#pragma once

#include "lib/analyze/detection.h"
#include "lib/analyze/detection_labels.h"

#include <span>

namespace burin {

constexpr double kMatchOverlap = 0.5;
// A detection of one network counts as found if the other has it at a score this much lower: a box near the
// threshold is no disagreement.
constexpr double kScoreTolerance = 0.1;

// Greedy: by falling score each `wanted` above `threshold` takes the not yet taken `offered` of its class
// with the largest overlap, if that is at least kMatchOverlap. Both sorted.
struct Found {
  size_t wanted = 0, found = 0;

  Found& operator+=(const Found& other) {
    wanted += other.wanted;
    found += other.found;
    return *this;
  }
};
Found countFound(const Detections& wanted, double threshold, const Detections& offered);

struct Agreement {
  Found precision; // of what the network detects, how much the other side has
  Found recall;    // of what the other side has, how much the network detects

  Agreement& operator+=(const Agreement& other) {
    precision += other.precision;
    recall += other.recall;
    return *this;
  }
  bool empty() const { return precision.wanted == 0 && recall.wanted == 0; }
  double precisionValue() const; // 0 when there are no detections
  double recallValue() const;
  double f1() const;
};

// Both sides detected with scores above threshold - kScoreTolerance.
Agreement compareDetections(const Detections& reference, const Detections& actual, double threshold);

// Against labels every wanted box counts, at any size; a detection that lies on a crowd region is left out.
Agreement compareWithTruth(std::span<const TruthBox> truth, const Detections& actual, double threshold);

} // namespace burin
