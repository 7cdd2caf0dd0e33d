// Pooling where channels are the innermost axis of both tensors: a window is a list of rows of channels.
#pragma once

#include "runtime/ops/pool_geometry.h"

namespace burin::rt {

constexpr int64_t kMaxTaps = 256; // rows of one window

inline bool poolsRows(const PoolGeometry& g) {
  const int64_t taps = boundedProduct(boundedProduct(g.axis[0].kernel, g.axis[1].kernel), g.axis[2].kernel);
  return g.channels > 0 && (g.channels == 1 || (g.channelX == 1 && g.channelY == 1)) && taps <= kMaxTaps;
}

// Calls body(taps, count, y, position, thread) for every output position of every batch; taps[i] points to
// the row of channels of tap i in row-major order, y to the row of the result. T is the element of x, U that
// of y.
template <class T, class U, class Body>
void forPoolRows(const PoolGeometry& g, const T* x, U* y, ThreadPool& pool, const Body& body) {
  const int64_t work = g.channels * static_cast<int64_t>(sizeof(T)) * g.axis[1].kernel * g.axis[2].kernel;
  PoolGeometry single = g; // one "channel": the whole row
  single.channels = 1;
  pool.parallelFor(
      g.batch * g.positions(), std::max<int64_t>(1, 32768 / (work + 64)),
      [&](int64_t begin, int64_t end, int thread) {
        const T* taps[kMaxTaps];
        forPoolOutputs(single, begin, end, [&](int64_t placeX, int64_t placeY, const int64_t* position) {
          int64_t count = 0;
          forWindow(g, position, [&](int64_t offset) { taps[count++] = x + placeX + offset; });
          body(static_cast<const T* const*>(taps), count, y + placeY, position, thread);
        });
      });
}

} // namespace burin::rt
