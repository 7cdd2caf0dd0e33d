#include "runtime/ops/conv_pack.h"

#include <algorithm>
#include <new>

namespace burin::rt {

AlignedBuffer::AlignedBuffer(size_t bytes)
    : memory_(new (std::nothrow) uint8_t[bytes + kCacheLine]()), size_(bytes) {
  if (!memory_) {
    size_ = 0;
    return;
  }
  const uintptr_t address = reinterpret_cast<uintptr_t>(memory_.get());
  data_ = memory_.get() + (roundUp(address, kCacheLine) - address);
}

PackLayout::PackLayout(const TileEngine& e, int64_t groups, int64_t groupOutputs, int64_t segmentCount,
                       int64_t segmentLength)
    : engine(&e), segments(segmentCount), length(segmentLength),
      steps(roundUp(static_cast<size_t>(segmentLength), static_cast<size_t>(e.group * e.stepUnit)) /
            static_cast<size_t>(e.group)) {
  const int64_t vectors = (groupOutputs + e.lanes - 1) / e.lanes;
  const int64_t count = (vectors + e.vectors - 1) / e.vectors;
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t i = 0; i < count; ++i) {
      // Blocks of nearly equal width: a narrow rest would waste the tile kernel.
      const int64_t first = vectors * i / count, last = vectors * (i + 1) / count;
      const int64_t channels = std::min(last * e.lanes, groupOutputs) - first * e.lanes;
      OutputBlock block{group * groupOutputs + first * e.lanes,
                        static_cast<int>(channels),
                        static_cast<int>(last - first),
                        group,
                        weightBytes,
                        laneCount};
      weightBytes += static_cast<size_t>(segments * steps * e.stepBytes(block.vectors));
      laneCount += static_cast<size_t>(block.vectors * e.lanes);
      blocks.push_back(block);
    }
}

} // namespace burin::rt
