// Runs tile kernels over all rows and output channels: cuts rows into chunks, the depth into slices that keep
// weights in the first-level cache, and hands tiles to the engine. Shared by convolutions and matrix
// products.
#pragma once

#include "runtime/ops/conv_output.h"
#include "runtime/ops/conv_pack.h"

namespace burin::rt {

// Gives the row pointers: for every segment, one pointer per row of a chunk.
class RowSource {
public:
  virtual ~RowSource() = default;
  // table[segment * count + i] = row `first` + i at that segment.
  virtual void fill(int64_t first, int64_t count, const uint8_t** table) const = 0;
};

// Packed operands and the output of one product.
struct GemmOperands {
  const uint8_t* weights;
  const uint8_t* bias;  // one 4-byte value per lane
  const uint8_t* scale; // one float per lane, for TileStore::Bytes
  uint8_t* out;
  int64_t outStride; // bytes between rows
  int outElementBytes;
  int64_t groupBytes; // bytes from one group's channels to the next in a row
  TileStore store;    // Raw: `output` finishes the sums
  float low, high;    // TileStore::Float
  ByteOutput bytes;   // TileStore::Bytes
  const IntegerOutput* output;
};

class GemmPlan {
public:
  GemmPlan() = default;
  GemmPlan(PackLayout layout, int64_t rows, int threads);

  const PackLayout& layout() const { return layout_; }
  int64_t tasks() const { return chunks_ * splits_; }
  size_t scratchBytes() const; // of one thread

  // Task `index` of tasks(): every output is computed by exactly one task.
  void run(int64_t index, const RowSource& source, const GemmOperands& operands, uint8_t* scratch) const;

private:
  struct Slice {
    int64_t segment, segments, step, steps;
  };
  void planSlices(int vectors, std::vector<Slice>& slices) const;
  void runBlock(const OutputBlock& block, const GemmOperands& operands, int64_t first, int64_t count,
                const uint8_t* const* table, uint8_t* partial) const;
  int64_t chunkBegin(int64_t chunk) const { return rows_ * chunk / chunks_; }

  PackLayout layout_;
  int64_t rows_ = 0, chunkRows_ = 0, chunks_ = 0, splits_ = 1;
  std::vector<Slice> slices_[kMaxTileVectors + 1];
};

} // namespace burin::rt
