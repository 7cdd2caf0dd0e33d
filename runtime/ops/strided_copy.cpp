#include "runtime/ops/strided_copy.h"

#include <cstring>

namespace burin::rt {

namespace {
constexpr int64_t kTile = 32; // elements per side of a transposed tile: 32 x 32 x 4 bytes stay in L1
constexpr int64_t kGrainBytes = 1 << 15; // less is not worth waking a thread for

template <class T>
void transposeTile(const T* source, T* target, int64_t rows, int64_t columns, int64_t columnStride,
                   int64_t rowStride) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) target[r * rowStride + c] = source[c * columnStride + r];
}
} // namespace

StridedCopy::StridedCopy(int rank, const int64_t* dim, const int64_t* sourceStride,
                         const int64_t* targetStride, size_t bytes, Isa isa)
    : walk_(rank, dim, {sourceStride, targetStride}), bytes_(bytes), isa_(isa) {
  units_ = walk_.elements();
  if (isa == Isa::Reference || units_ == 0) return;
  walk_.orderBy(1);
  if (walk_.step(1) == 1 && (walk_.step(0) == 1 || walk_.step(0) == 0))
    way_ = Way::Runs;
  else
    planTranspose();
}

// The tiled axes leave the walk; what stays counts the 2-d transposes.
void StridedCopy::planTranspose() {
  if (walk_.rank() < 2 || walk_.step(1) != 1) return;
  int inner = walk_.rank() - 1, rowAxis = -1;
  for (int axis = 0; axis < inner; ++axis)
    if (walk_.stride(0, axis) == 1) rowAxis = axis;
  if (rowAxis < 0) return;
  way_ = Way::Transpose;
  rows_ = walk_.dim(rowAxis);
  rowStride_ = walk_.stride(1, rowAxis);
  columns_ = walk_.dim(inner);
  columnStride_ = walk_.stride(0, inner);
  int64_t dim[kMaxWalkRank], source[kMaxWalkRank], target[kMaxWalkRank];
  int rank = 0;
  for (int axis = 0; axis < inner; ++axis) {
    if (axis == rowAxis) continue;
    dim[rank] = walk_.dim(axis);
    source[rank] = walk_.stride(0, axis);
    target[rank++] = walk_.stride(1, axis);
  }
  walk_ = StridedWalk<2>(rank, dim, {source, target});
  rowTiles_ = (rows_ + kTile - 1) / kTile;
  columnTiles_ = (columns_ + kTile - 1) / kTile;
  units_ = walk_.elements() * rowTiles_ * columnTiles_;
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
  const int64_t tiles = rowTiles_ * columnTiles_;
  dispatchBytes(bytes_, [&](auto tag) {
    using T = decltype(tag);
    const T* from = reinterpret_cast<const T*>(source);
    T* to = reinterpret_cast<T*>(target);
    for (int64_t matrix = begin / tiles; matrix * tiles < end; ++matrix)
      walk_.forEach(matrix, matrix + 1, [&](const int64_t* offset) {
        int64_t last = std::min(tiles, end - matrix * tiles);
        for (int64_t tile = std::max<int64_t>(0, begin - matrix * tiles); tile < last; ++tile) {
          int64_t r = tile / columnTiles_ * kTile, c = tile % columnTiles_ * kTile;
          transposeTile(from + offset[0] + c * columnStride_ + r, to + offset[1] + r * rowStride_ + c,
                        std::min(kTile, rows_ - r), std::min(kTile, columns_ - c), columnStride_, rowStride_);
        }
      });
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
  case Way::Transpose:
    return copyTiles(from, to, begin, end);
  }
}

void StridedCopy::run(const void* source, void* target, ThreadPool& pool) const {
  int64_t unitBytes = static_cast<int64_t>(bytes_) * (way_ == Way::Transpose ? kTile * kTile : 1);
  pool.parallelFor(units_, std::max<int64_t>(1, kGrainBytes / unitBytes),
                   [&](int64_t begin, int64_t end, int) { runRange(source, target, begin, end); });
}

const char* StridedCopy::name() const {
  switch (way_) {
  case Way::Runs:
    return "copy-runs";
  case Way::Transpose:
    return "copy-transpose";
  default:
    return isa_ == Isa::Reference ? "reference" : "copy-elements";
  }
}

} // namespace burin::rt
