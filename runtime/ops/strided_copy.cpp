#include "runtime/ops/strided_copy.h"

#include <cstring>

namespace burin::rt {

namespace {
constexpr int64_t kGrainBytes = 1 << 15; // less is not worth waking a thread for

// Runs of a constant number of bytes: no call, no loop per run.
template <int kBytes>
void copyRows(const uint8_t* source, int64_t sourceStep, uint8_t* target, int64_t targetStep, int64_t rows) {
  for (int64_t i = 0; i < rows; ++i) std::memcpy(target + i * targetStep, source + i * sourceStep, kBytes);
}

using FixedRows = void (*)(const uint8_t*, int64_t, uint8_t*, int64_t, int64_t);
template <int... kBytes>
FixedRows fixedRows(int64_t bytes) {
  FixedRows rows = nullptr;
  ((bytes == kBytes ? void(rows = copyRows<kBytes>) : void()), ...);
  return rows;
}
} // namespace

StridedCopy::StridedCopy(int rank, const int64_t* dim, const int64_t* sourceStride,
                         const int64_t* targetStride, size_t bytes, Isa isa)
    : walk_(rank, dim, {sourceStride, targetStride}), bytes_(bytes), isa_(isa) {
  units_ = walk_.elements();
  if (isa == Isa::Reference || units_ == 0) return;
  walk_.orderBy(1);
  if (walk_.step(1) == 1 && (walk_.step(0) == 1 || walk_.step(0) == 0)) {
    way_ = Way::Runs;
    if (walk_.rank() > 1 && walk_.step(0) == 1) planShortRuns();
  } else if (tiles_.plan(walk_)) {
    way_ = Way::Transpose;
    transpose_ = transposeTile(bytes, isa);
    units_ = tiles_.tiles();
  }
}

void StridedCopy::planShortRuns() {
  rows_ = fixedRows<1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64>(walk_.runLength() *
                                                                      static_cast<int64_t>(bytes_));
  if (!rows_) return;
  way_ = Way::ShortRuns;
  int64_t dim[kMaxWalkRank], source[kMaxWalkRank], target[kMaxWalkRank];
  for (int axis = 0; axis + 1 < walk_.rank(); ++axis) {
    dim[axis] = walk_.dim(axis);
    source[axis] = walk_.stride(0, axis);
    target[axis] = walk_.stride(1, axis);
  }
  outer_ = StridedWalk<2>(walk_.rank() - 1, dim, {source, target});
  units_ = outer_.elements();
}

void StridedCopy::copyShortRuns(const uint8_t* source, uint8_t* target, int64_t begin, int64_t end) const {
  const int64_t bytes = static_cast<int64_t>(bytes_);
  outer_.forRuns(begin, end, [&](const int64_t* at, int64_t count) {
    rows_(source + at[0] * bytes, outer_.step(0) * bytes, target + at[1] * bytes, outer_.step(1) * bytes,
          count);
  });
}

void StridedCopy::copyElements(const uint8_t* source, uint8_t* target, int64_t begin, int64_t end) const {
  dispatchBytes(bytes_, [&](auto tag) {
    using T = decltype(tag);
    const T* from = reinterpret_cast<const T*>(source);
    T* to = reinterpret_cast<T*>(target);
    const int64_t sourceStep = walk_.step(0), targetStep = walk_.step(1);
    walk_.forRuns(begin, end, [&](const int64_t* offset, int64_t count) {
      const T* a = from + offset[0];
      T* b = to + offset[1];
      if (sourceStep == 2 && targetStep == 1) // every other element: a constant step becomes vectors
        for (int64_t i = 0; i < count; ++i) b[i] = a[2 * i];
      else
        for (int64_t i = 0; i < count; ++i) b[i * targetStep] = a[i * sourceStep];
    });
  });
}

void StridedCopy::copyRuns(const uint8_t* source, uint8_t* target, int64_t begin, int64_t end) const {
  dispatchBytes(bytes_, [&](auto tag) {
    using T = decltype(tag);
    const T* from = reinterpret_cast<const T*>(source);
    T* to = reinterpret_cast<T*>(target);
    const bool repeats = walk_.step(0) == 0;
    walk_.forRuns(begin, end, [&](const int64_t* offset, int64_t count) {
      if (repeats)
        std::fill_n(to + offset[1], count, from[offset[0]]);
      else
        std::memcpy(to + offset[1], from + offset[0], static_cast<size_t>(count) * sizeof(T));
    });
  });
}

void StridedCopy::copyTiles(const uint8_t* source, uint8_t* target, int64_t begin, int64_t end) const {
  const int64_t bytes = static_cast<int64_t>(bytes_);
  tiles_.forTiles(begin, end, [&](int64_t from, int64_t to, int64_t rows, int64_t columns) {
    transpose_(source + from * bytes, tiles_.columnStep(), target + to * bytes, tiles_.rowStep(), rows,
               columns);
  });
}

void StridedCopy::runRange(const void* source, void* target, int64_t begin, int64_t end) const {
  const uint8_t* from = static_cast<const uint8_t*>(source);
  uint8_t* to = static_cast<uint8_t*>(target);
  switch (way_) {
  case Way::Elements:
    return copyElements(from, to, begin, end);
  case Way::Runs:
    return copyRuns(from, to, begin, end);
  case Way::ShortRuns:
    return copyShortRuns(from, to, begin, end);
  case Way::Transpose:
    return copyTiles(from, to, begin, end);
  }
}

void StridedCopy::run(const void* source, void* target, ThreadPool& pool) const {
  int64_t unitBytes = static_cast<int64_t>(bytes_);
  if (way_ == Way::Transpose) unitBytes *= TileWalk::kTileElements;
  if (way_ == Way::ShortRuns) unitBytes *= walk_.runLength();
  pool.parallelFor(units_, std::max<int64_t>(1, kGrainBytes / unitBytes),
                   [&](int64_t begin, int64_t end, int) { runRange(source, target, begin, end); });
}

const char* StridedCopy::name() const {
  switch (way_) {
  case Way::Runs:
  case Way::ShortRuns:
    return "copy-runs";
  case Way::Transpose:
    return "copy-transpose";
  default:
    return isa_ == Isa::Reference ? "reference" : "copy-elements";
  }
}

} // namespace burin::rt
