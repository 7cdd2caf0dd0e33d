// Bilinear resize of 8-bit pictures, equal bit for bit to OpenCV's cv2.resize with INTER_LINEAR: half-pixel
// centres, edges clamped, no antialiasing, weights of 11 bits, the vertical pass in 16-bit steps; a reduction
// by exactly two in both directions averages 2x2 pixels, as OpenCV does.
#pragma once

#include "runtime/image/image.h"

#include <cstdint>
#include <vector>

namespace burin::rt {

// Keeps its tables and two rows of scratch between calls: one per thread. Memory grows only when a wider
// region comes.
class BilinearResizer {
public:
  // Computes the pixels of `region` of `source` resized to fullWidth x fullHeight, and only those, into `out`
  // (region.width x region.height, the channels of `source`: 1 to 4). The result does not depend on how the
  // full picture is cut into regions. Returns false, leaving `out` alone, when sizes or channels do not fit
  // together.
  bool run(const ImageView& source, int64_t fullWidth, int64_t fullHeight, const Region& region,
           const MutableImageView& out);

  // The whole picture: `out` gives the size.
  bool run(const ImageView& source, const MutableImageView& out);

private:
  struct Tap {           // one output column
    int32_t left, right; // byte offsets of the two source pixels
    int16_t weightLeft, weightRight;
  };

  void makeTaps(const ImageView& source, int64_t fullWidth, const Region& region);
  const int16_t* horizontal(const ImageView& source, int32_t sourceRow, int slot);

  std::vector<Tap> taps_;
  std::vector<int16_t> rows_;    // two rows after the horizontal pass, 11-bit weights, shifted right by 4
  int32_t cached_[2] = {-1, -1}; // which source rows they are
  size_t rowLength_ = 0;         // values per row
};

} // namespace burin::rt
