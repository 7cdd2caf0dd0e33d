// A walk over a tensor together with its scales and zero points, whether there is one of each, one per index
// of an axis, or one per block of an axis.
#pragma once

#include "runtime/ops/infer_check.h"
#include "runtime/ops/iterate.h"

namespace burin::rt {

// Steps of the scale (and the zero point) along the axes of the tensor; block > 1 repeats each along `axis`.
struct ScaleLayout {
  int axis = -1; // the axis that is blocked, or -1
  int64_t block = 1;
  int64_t scale[kMaxRank] = {}; // per axis; along `axis` per block
  int64_t zero[kMaxRank] = {};
};

// One scale, or one per index of `axis` with the given steps.
ScaleLayout axisLayout(int axis, int64_t scaleStep, int64_t zeroStep);

class QuantizeWalk {
public:
  enum Operand { X, Y, Scale, Zero };
  QuantizeWalk() = default;
  QuantizeWalk(const Tensor& x, const Tensor& y, const ScaleLayout& layout);

  // Calls body(offset[4], count, step[4]) for runs that together visit every element once. Inside a run the
  // scale is the same or steps with the elements.
  template <class Body>
  void forRuns(ThreadPool& pool, const Body& body) const {
    for (int i = 0; i < parts_; ++i) {
      const StridedWalk<4>& walk = part_[i];
      const int64_t* start = start_[i];
      const int64_t step[4] = {walk.step(X), walk.step(Y), walk.step(Scale), walk.step(Zero)};
      pool.parallelFor(walk.elements(), 4096, [&](int64_t begin, int64_t end, int) {
        walk.forRuns(begin, end, [&](const int64_t* offset, int64_t count) {
          const int64_t place[4] = {offset[0] + start[0], offset[1] + start[1], offset[2] + start[2],
                                    offset[3] + start[3]};
          body(static_cast<const int64_t*>(place), count, static_cast<const int64_t*>(step));
        });
      });
    }
  }

private:
  void addPart(const Tensor& x, const Tensor& y, const ScaleLayout& layout, int64_t firstBlock,
               int64_t blocks, int64_t length);

  StridedWalk<4> part_[2]; // whole blocks, and a shorter last one
  int64_t start_[2][4] = {};
  int parts_ = 0;
};

} // namespace burin::rt
