// How close two tensors are.
#pragma once

#include <span>
#include <string>

namespace burin {

struct Similarity {
  double cosine = 1;     // a.b / (|a| |b|); 1 when both are zero, 0 when one is
  double euclid = 1;     // 1 - |a - b| / (|(a + b) / 2| + 1e-7): can be negative
  double sqnrDb = 0;     // 10 log10(sum reference^2 / sum (reference - actual)^2), capped at +-200
  double maxAbs = 0;     // largest |a - b|; infinite when a NaN meets a number
  double rangeError = 0; // maxAbs over the reference's max - min
};

// `reference` is what `actual` should be; equal lengths. Sums in double, in order.
Similarity similarity(std::span<const float> reference, std::span<const float> actual);

} // namespace burin
