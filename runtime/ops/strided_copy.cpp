#include "runtime/ops/strided_copy.h"

#include <cstring>

namespace burin::rt {

namespace {
constexpr int64_t kGrainBytes = 1 << 15; // less is not worth waking a thread for
} // namespace

StridedCopy::StridedCopy(int rank, const int64_t* dim, const int64_t* sourceStride,
                         const int64_t* targetStride, size_t bytes, Isa isa)
    : walk_(rank, dim, {sourceStride, targetStride}), bytes_(bytes), isa_(isa) {
  units_ = walk_.elements();
  if (isa == Isa::Reference || units_ == 0) return;
  walk_.orderBy(1);
  if (walk_.step(1) == 1 && (walk_.step(0) == 1 || walk_.step(0) == 0)) {
    way_ = Way::Runs;
  } else if (tiles_.plan(walk_)) {
    way_ = Way::Transpose;
    transpose_ = transposeTile(bytes, isa);
    units_ = tiles_.tiles();
  }
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
  case Way::Transpose:
    return copyTiles(from, to, begin, end);
  }
}

void StridedCopy::run(const void* source, void* target, ThreadPool& pool) const {
  int64_t unitBytes = static_cast<int64_t>(bytes_) * (way_ == Way::Transpose ? TileWalk::kTileElements : 1);
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
