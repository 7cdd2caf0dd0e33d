// One product of a convolution on tile kernels: all output pixels of a walk, with their packed weights. A
// convolution is one pass, a transposed one a pass per phase of its stride.
#pragma once

#include "runtime/ops/conv_rows.h"
#include "runtime/ops/conv_weights.h"

namespace burin::rt {

// What the passes of a convolution share.
struct ConvSetup {
  const Node& node;
  const ConvGeometry& geometry;
  const TileEngine& engine;
  const RowImage& image;
  bool transposed, merged;
  int planes, threads;
  int64_t outStride;    // bytes between output pixels
  const uint8_t* zeros; // a row of padding
};

class ConvPass {
public:
  ConvPass(const ConvSetup& setup, RowWalk walk);

  // Pack the weights and set the output stage. False when memory is short.
  bool packFloat(const ConvSetup& setup, const FloatClamp& clamp);
  bool packInteger(const ConvSetup& setup, const IntegerOutput& output, const IntegerOperands& integers,
                   int32_t stagedZero);

  // Computes all outputs at `out`, pixel after pixel.
  void run(ThreadPool& pool, const uint8_t* image, uint8_t* out, uint8_t* scratch);

  const RowWalk& walk() const { return rows_.walk(); }
  int64_t pixels() const { return pixels_; } // of all samples
  size_t threadScratchBytes() const { return plan_.scratchBytes(); }
  size_t packedBytes() const { return weights_.size() + bias_.size() + scale_.size(); }

private:
  template <class T>
  T weightAt(const WeightReader<T>& reader, const ConvSetup& setup, int64_t channel, int64_t segment,
             int64_t element) const;

  ConvRows rows_;
  GemmPlan plan_;
  int64_t pixels_;
  std::vector<int64_t> positions_; // kernel position of each segment of one plane
  const uint8_t* zeros_;
  AlignedBuffer weights_, bias_, scale_;
  GemmOperands operands_{};
};

} // namespace burin::rt
