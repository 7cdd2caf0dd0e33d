// Row pointers of a convolution: where each output pixel finds its input at each kernel position.
#pragma once

#include "runtime/ops/conv_gemm.h"
#include "runtime/ops/conv_stage.h"

namespace burin::rt {

// Output position p reads input p * stride + offset along each axis, one offset per kernel index that takes
// part.
struct RowWalk {
  Spatial out{1, 1, 1}, stride{1, 1, 1};
  std::array<std::vector<int64_t>, kSpatial> offsets;       // in input positions
  std::array<std::vector<int64_t>, kSpatial> kernelIndices; // of the same length

  int64_t pixels() const { return out[0] * out[1] * out[2]; }
  int64_t positions() const {
    return static_cast<int64_t>(offsets[0].size() * offsets[1].size() * offsets[2].size());
  }
  // The kernel positions in row-major order, as flat indices into a kernel of this extent.
  std::vector<int64_t> flatPositions(const Spatial& kernel) const;
};

// All of a convolution. merged: the image holds horizontal padding, and one segment reads a whole kernel row.
RowWalk convWalk(const ConvGeometry& geometry, bool merged);

// The outputs of a transposed convolution whose position plus padding is `phase` modulo the stride. Their
// input positions advance by one; `first` is the first such output position.
RowWalk phaseWalk(const ConvGeometry& geometry, const Spatial& phase, Spatial& first);

class ConvRows final : public RowSource {
public:
  ConvRows() = default;
  // planes: how often the segments are repeated (weights split in two).
  ConvRows(RowWalk walk, const RowImage& image, int planes)
      : walk_(std::move(walk)), image_(image), planes_(planes) {}

  // `zeros`: a row of padding values of one pixel (merged: of one kernel row).
  void bind(const uint8_t* base, const uint8_t* zeros) {
    base_ = base;
    zeros_ = zeros;
  }
  const RowWalk& walk() const { return walk_; }
  int64_t segments() const { return walk_.positions() * planes_; }
  void fill(int64_t first, int64_t count, const uint8_t** table) const override;

private:
  // Output pixels (sample, z, y, x .. x + count) at all kernel positions; the segments' entries are `step`
  // apart.
  void fillRun(int64_t sample, const Spatial& at, int64_t count, const uint8_t** table, int64_t step) const;
  void fillRow(const uint8_t* row, int64_t offset, int64_t first, int64_t count, const uint8_t** table) const;

  RowWalk walk_;
  RowImage image_;
  int planes_ = 1;
  const uint8_t *base_ = nullptr, *zeros_ = nullptr;
};

} // namespace burin::rt
