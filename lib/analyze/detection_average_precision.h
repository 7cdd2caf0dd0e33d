// COCO's average precision (all areas, 100 detections per picture and class, 101 points of recall).
#pragma once

#include "lib/analyze/detection_labels.h"

#include <span>

namespace burin {

struct DetectedPicture {
  const Detections* found = nullptr; // sorted
  const std::vector<TruthBox>* truth = nullptr;
};

struct AveragePrecision {
  double map50 = 0;   // at overlap 0.50, mean over classes
  double map = 0;     // mean over overlaps 0.50, 0.55, ... 0.95 and classes
  size_t classes = 0; // classes with at least one box; the others do not count
};

AveragePrecision averagePrecision(std::span<const DetectedPicture> pictures, int classCount);

} // namespace burin
