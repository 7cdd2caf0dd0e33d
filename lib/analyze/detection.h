// Boxes with a class and a score: overlap, suppression of doubles, and the way from a network's input back to
// the picture.
#pragma once

#include "lib/support/error.h"
#include "runtime/image/preprocess.h"

#include <string>
#include <vector>

namespace burin {

// Corners in pixels, edges at integers: a picture of 640x480 is [0, 0, 640, 480].
struct Box {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;

  double area() const { return x1 > x0 && y1 > y0 ? (x1 - x0) * (y1 - y0) : 0; }
};

double intersectionArea(const Box& a, const Box& b);
double intersectionOverUnion(const Box& a, const Box& b); // 0 for boxes without area

struct Detection {
  int classIndex = 0;
  double score = 0;
  Box box;
};
using Detections = std::vector<Detection>; // of one picture

// Highest score first; equal scores keep their order.
void sortByScore(Detections& detections);

// Greedy non-maximum suppression: by falling score, a box is dropped when its overlap with a kept box of the
// same class is above `maxOverlap`. The result is sorted. What is kept above a score does not depend on
// candidates below it.
Detections suppressOverlaps(Detections candidates, double maxOverlap);

// From pixels of a network's input to pixels of the picture: (v - offset) * scale.
struct PictureTransform {
  double scaleX = 1, scaleY = 1, offsetX = 0, offsetY = 0;

  Box toPicture(const Box& box) const;
};

// The inverse of the preprocessing's geometry (centre view). A letterbox is undone by its exact ratio
// r = min(H/h, W/w), the others by resized over original size.
Result<PictureTransform> pictureTransform(const rt::Preprocess& preprocess, int32_t pictureWidth,
                                          int32_t pictureHeight, int32_t inputWidth, int32_t inputHeight);

} // namespace burin
