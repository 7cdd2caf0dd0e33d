#include "lib/analyze/detection.h"

#include <algorithm>

namespace burin {

double intersectionArea(const Box& a, const Box& b) {
  double width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0),
         height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  return width > 0 && height > 0 ? width * height : 0;
}

double intersectionOverUnion(const Box& a, const Box& b) {
  double shared = intersectionArea(a, b), all = a.area() + b.area() - shared;
  return all > 0 ? shared / all : 0;
}

void sortByScore(Detections& detections) {
  std::ranges::stable_sort(detections, std::greater<>{}, &Detection::score);
}

Detections suppressOverlaps(Detections candidates, double maxOverlap) {
  sortByScore(candidates);
  Detections kept;
  for (const Detection& candidate : candidates) {
    auto covers = [&](const Detection& k) {
      return k.classIndex == candidate.classIndex && intersectionOverUnion(k.box, candidate.box) > maxOverlap;
    };
    if (std::ranges::none_of(kept, covers)) kept.push_back(candidate);
  }
  return kept;
}

Box PictureTransform::toPicture(const Box& b) const {
  return {(b.x0 - offsetX) * scaleX, (b.y0 - offsetY) * scaleY, (b.x1 - offsetX) * scaleX,
          (b.y1 - offsetY) * scaleY};
}

namespace {
// Pixels of the letterbox' canvas per pixel of the picture.
double letterboxRatio(const rt::Preprocess& p, int32_t pictureWidth, int32_t pictureHeight,
                      int32_t inputWidth, int32_t inputHeight) {
  double height = p.resizeHeight ? p.resizeHeight : inputHeight;
  double width = p.resizeWidth ? p.resizeWidth : p.resizeHeight ? p.resizeHeight : inputWidth;
  return std::min(height / pictureHeight, width / pictureWidth);
}
} // namespace

Result<PictureTransform> pictureTransform(const rt::Preprocess& preprocess, int32_t pictureWidth,
                                          int32_t pictureHeight, int32_t inputWidth, int32_t inputHeight) {
  rt::Placement placement;
  auto error = rt::place(preprocess, pictureWidth, pictureHeight, inputWidth, inputHeight, 0, placement);
  if (error != rt::PreprocessError::None) return fail(ErrorCode::Input, rt::describe(error));
  PictureTransform transform;
  transform.offsetX = static_cast<double>(placement.left - placement.visible.x);
  transform.offsetY = static_cast<double>(placement.top - placement.visible.y);
  if (preprocess.fit == rt::Fit::Letterbox) {
    transform.scaleX = transform.scaleY =
        1 / letterboxRatio(preprocess, pictureWidth, pictureHeight, inputWidth, inputHeight);
  } else {
    transform.scaleX = pictureWidth / static_cast<double>(placement.resizedWidth);
    transform.scaleY = pictureHeight / static_cast<double>(placement.resizedHeight);
  }
  return transform;
}

} // namespace burin
