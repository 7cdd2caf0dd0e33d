// Copies in which every axis has a table: position i of the target's axis comes from a place of its own in
// the source. Padding by repetition and nearest resampling are such copies.
#pragma once

#include "runtime/core/op.h"

namespace burin::rt {

class TableCopy {
public:
  // places[axis][i]: the offset in the source, in elements, that position i of `axis` contributes.
  TableCopy(const Shape& shape, const int64_t* targetStride, const std::vector<int64_t>* places, size_t bytes,
            Isa isa);

  void run(const void* source, void* target, ThreadPool& pool) const;
  bool copiesRuns() const { return contiguous_; }

private:
  template <class T>
  void copyRows(const T* source, T* target, int64_t begin, int64_t end) const;

  int rank_ = 0;
  int64_t dim_[kMaxRank] = {}, stride_[kMaxRank] = {}; // outermost first
  std::vector<int64_t> place_[kMaxRank];
  int64_t rows_ = 1;        // all axes but the innermost
  bool contiguous_ = false; // the innermost axis is a run in both tensors
  size_t bytes_;
};

} // namespace burin::rt
