// A reduction splits the axes of x in two: the kept ones are walked together with y, the reduced ones, in
// logical row-major order, within each result.
#pragma once

#include "runtime/ops/iterate.h"

namespace burin::rt {

struct ReduceWalk {
  StridedWalk<2> kept;    // x, y
  StridedWalk<1> reduced; // x, from the element that `kept` names

  // reducedAxis[i] says whether axis i of x is reduced. keepDims: those axes stay in y with length 1.
  ReduceWalk(const Tensor& x, const Tensor& y, const bool* reducedAxis, bool keepDims) {
    int64_t dims[2][kMaxRank], steps[2][kMaxRank], stepsY[kMaxRank];
    int count[2] = {0, 0}, axisY = 0;
    for (int axis = 0; axis < x.shape().rank; ++axis) {
      const int group = reducedAxis[axis] ? 1 : 0;
      dims[group][count[group]] = x.shape()[axis];
      steps[group][count[group]] = x.stride[axis];
      if (!group) stepsY[count[0]] = y.stride[axisY];
      ++count[group];
      if (!group || keepDims) ++axisY;
    }
    kept = StridedWalk<2>(count[0], dims[0], {steps[0], stepsY});
    reduced = StridedWalk<1>(count[1], dims[1], {steps[1]});
    kept.orderBy(0);
  }

  // Results a thread computes at least, so that it touches some thousand elements.
  int64_t grain() const {
    const int64_t perResult = reduced.elements() > 0 ? reduced.elements() : 1;
    return perResult >= 8192 ? 1 : 8192 / perResult;
  }
};

} // namespace burin::rt
