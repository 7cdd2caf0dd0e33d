// Pooling where channels are the innermost axis of both tensors: a window is a list of rows of channels.
#pragma once

#include "runtime/ops/pool_geometry.h"

#include <algorithm>

namespace burin::rt {

constexpr int64_t kMaxTaps = 256; // rows of one window

inline bool poolsRows(const PoolGeometry& g) {
  const int64_t taps = boundedProduct(boundedProduct(g.axis[0].kernel, g.axis[1].kernel), g.axis[2].kernel);
  return g.channels > 0 && (g.channels == 1 || (g.channelX == 1 && g.channelY == 1)) && taps <= kMaxTaps;
}

// The taps of one window; they move along the innermost axis without being listed again while their number
// stays.
template <class T>
class PoolTaps {
public:
  PoolTaps(const PoolGeometry& g, const T* plane) : g_(g), plane_(plane) {}

  void place(const int64_t* position) {
    const PoolAxis& w = g_.axis[2];
    const PoolAxis::Taps taps = w.inside(position[2]);
    if (listed_ && taps.first == columns_.first && taps.last == columns_.last) {
      const int64_t step = (w.start(position[2]) - start_) * w.stepX;
      for (int64_t i = 0; i < count_; ++i) taps_[i] += step;
    } else {
      count_ = 0;
      forWindow(g_, position, [&](int64_t offset) { taps_[count_++] = plane_ + offset; });
      columns_ = taps;
      listed_ = true;
    }
    start_ = w.start(position[2]);
  }
  const T* const* taps() const { return taps_; }
  int64_t count() const { return count_; }

private:
  const PoolGeometry& g_;
  const T* plane_;
  const T* taps_[kMaxTaps];
  int64_t count_ = 0, start_ = 0;
  PoolAxis::Taps columns_ = {0, 0};
  bool listed_ = false;
};

// Calls body(taps, count, y, position) for every output position of every batch; taps[i] points to the row of
// channels of tap i in row-major order, y to the row of the result. T is the element of x, U that of y.
template <class T, class U, class Body>
void forPoolRows(const PoolGeometry& g, const T* x, U* y, ThreadPool& pool, const Body& body) {
  const PoolAxis &d = g.axis[0], &h = g.axis[1], &w = g.axis[2];
  const int64_t work = (g.channels * static_cast<int64_t>(sizeof(T)) * h.kernel * w.kernel + 64) * w.output;
  pool.parallelFor(g.batch * d.output * h.output, std::max<int64_t>(1, 65536 / (work + 1)),
                   [&](int64_t begin, int64_t end, int) {
                     for (int64_t row = begin; row < end; ++row) {
                       int64_t position[3] = {row / h.output % d.output, row % h.output, 0};
                       const int64_t batch = row / h.output / d.output;
                       U* to = y + batch * g.batchY + position[0] * d.stepY + position[1] * h.stepY;
                       PoolTaps<T> window(g, x + batch * g.batchX);
                       for (; position[2] < w.output; ++position[2], to += w.stepY) {
                         window.place(position);
                         body(window.taps(), window.count(), to, static_cast<const int64_t*>(position));
                       }
                     }
                   });
}

} // namespace burin::rt
