// Copies between two strided views of one shape, for any element size: the work of most movement ops and of
// every change of memory layout.
#pragma once

#include "runtime/core/op.h"
#include "runtime/kernels/transpose.h"
#include "runtime/ops/tile_walk.h"

namespace burin::rt {

class StridedCopy {
public:
  StridedCopy() = default;
  // Strides in elements; a source stride of 0 repeats, negative strides run backwards.
  StridedCopy(int rank, const int64_t* dim, const int64_t* sourceStride, const int64_t* targetStride,
              size_t bytes, Isa isa);
  StridedCopy(const Shape& shape, const int64_t* sourceStride, const int64_t* targetStride, size_t bytes,
              Isa isa)
      : StridedCopy(shape.rank, shape.dim, sourceStride, targetStride, bytes, isa) {}

  // `source` and `target` are the places of the views' first elements. They must not overlap.
  void run(const void* source, void* target, ThreadPool& pool) const;
  void run(const void* source, void* target) const {
    runRange(source, target, 0, units_);
  } // on this thread alone

  const char* name() const;

private:
  enum class Way : uint8_t { Elements, Runs, ShortRuns, Transpose };

  void runRange(const void* source, void* target, int64_t begin, int64_t end) const;
  void copyElements(const uint8_t* source, uint8_t* target, int64_t begin, int64_t end) const;
  void copyRuns(const uint8_t* source, uint8_t* target, int64_t begin, int64_t end) const;
  void planShortRuns();
  void copyShortRuns(const uint8_t* source, uint8_t* target, int64_t begin, int64_t end) const;
  void copyTiles(const uint8_t* source, uint8_t* target, int64_t begin, int64_t end) const;

  using FixedRows = void (*)(const uint8_t* source, int64_t sourceStep, uint8_t* target, int64_t targetStep,
                             int64_t rows);

  StridedWalk<2> walk_;  // 0 = source, 1 = target
  StridedWalk<2> outer_; // ShortRuns: the walk without its innermost axis
  FixedRows rows_ = nullptr;
  TileWalk tiles_;
  TransposeTile transpose_ = nullptr;
  size_t bytes_ = 1;
  Way way_ = Way::Elements;
  Isa isa_ = Isa::Reference;
  int64_t units_ = 0; // of parallel work: elements, runs or tiles
};

} // namespace burin::rt
