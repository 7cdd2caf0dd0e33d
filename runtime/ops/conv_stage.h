// Brings an activation into the form a tile engine reads: pixels one after the other, the channels of a pixel
// contiguous, 8-bit values unsigned, each group's channels padded to whole steps. An activation that already
// has this form is used in place.
#pragma once

#include "runtime/core/thread_pool.h"
#include "runtime/ops/conv_geometry.h"
#include "runtime/ops/conv_pack.h"
#include "runtime/ops/conv_tile.h"

namespace burin::rt {

struct RowImage {
  int64_t batch = 1;
  Spatial in{1, 1, 1};
  int64_t channels = 1, groups = 1;
  int64_t width = 1;      // pixels per row, with horizontal padding when it is part of the image
  int64_t padLeft = 0;    // pixels of padding before each row
  int64_t pixelBytes = 0; // distance between pixels
  int64_t groupBytes = 0; // distance between the channels of two groups

  int64_t rowBytes() const { return width * pixelBytes; }
  int64_t rows() const { return batch * in[0] * in[1]; }
};

// What staging adds to stored values, so that 8-bit ones become unsigned.
int32_t stagingShift(DType dtype, RowElement element);

// What a kernel wants its rows to look like.
struct StageFormat {
  RowElement element = RowElement::F32;
  bool acceptsSignedBytes = false; // U8: the kernel flips the sign itself
  int64_t groups = 1;
  int64_t channelUnit = 1;   // a group's channels are padded to a multiple of this
  int64_t leastChannels = 0; // ... and to at least this many
  int64_t mergedWidth =
      0; // > 0: rows padded to that many pixels, channels unpadded (kernel rows are one segment)
};

class InputStage {
public:
  InputStage() = default;
  InputStage(const Tensor& x, const ConvGeometry& geometry, const StageFormat& format);

  bool isNeeded() const { return needed_; }
  const RowImage& image() const { return image_; }
  size_t scratchBytes() const; // 0 when not needed

  // Fills `staged` from x; `zero` is the staged value of padding.
  void run(ThreadPool& pool, const Tensor& x, uint8_t* staged, int32_t zero) const;

private:
  RowImage image_;
  StageFormat format_;
  bool needed_ = false;
};

// The distance between pixels of a channels-last tensor, in elements.
int64_t pixelStride(const Tensor& tensor);

// Copies staged results (pixels of `pixelBytes`, channels contiguous) to a tensor of any layout.
void unstageOutput(ThreadPool& pool, const uint8_t* staged, const Tensor& y);

} // namespace burin::rt
