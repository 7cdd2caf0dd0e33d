// Row pointers of a convolution: where each output pixel finds its input at each kernel position.
#pragma once

#include "runtime/ops/conv_gemm.h"
#include "runtime/ops/conv_stage.h"

namespace burin::rt {

class ConvRows final : public RowSource {
public:
  ConvRows() = default;
  // merged: one segment per kernel row, which reads all its horizontal positions at once.
  // planes: how often the segments are repeated (weights split in two).
  ConvRows(const ConvGeometry& geometry, const RowImage& image, bool merged, int planes)
      : geometry_(geometry), image_(image), merged_(merged), planes_(planes) {}

  // `zeros`: a row of padding values of one pixel (merged: of one kernel row).
  void bind(const uint8_t* base, const uint8_t* zeros) {
    base_ = base;
    zeros_ = zeros;
  }
  int64_t segments() const { return positions() * planes_; }
  void fill(int64_t first, int64_t count, const uint8_t** table) const override;

private:
  int64_t positions() const { return geometry_.kernelPositions() / (merged_ ? geometry_.kernel[2] : 1); }
  // Output pixels (sample, z, y, x .. x + count) at all kernel positions; the segments' entries are `step`
  // apart.
  void fillRun(int64_t sample, const Spatial& at, int64_t count, const uint8_t** table, int64_t step) const;
  void fillRow(const uint8_t* row, int64_t column, int64_t first, int64_t count, const uint8_t** table) const;

  ConvGeometry geometry_;
  RowImage image_;
  bool merged_ = false;
  int planes_ = 1;
  const uint8_t *base_ = nullptr, *zeros_ = nullptr;
};

} // namespace burin::rt
