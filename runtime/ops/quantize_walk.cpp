#include "runtime/ops/quantize_walk.h"

namespace burin::rt {

ScaleLayout axisLayout(int axis, int64_t scaleStep, int64_t zeroStep) {
  ScaleLayout layout;
  if (axis < 0) return layout;
  layout.scale[axis] = scaleStep;
  layout.zero[axis] = zeroStep;
  return layout;
}

QuantizeWalk::QuantizeWalk(const Tensor& x, const Tensor& y, const ScaleLayout& layout) {
  if (layout.axis < 0) {
    addPart(x, y, layout, 0, 1, 1);
    return;
  }
  const int64_t length = x.type.shape[layout.axis], whole = length / layout.block;
  if (whole) addPart(x, y, layout, 0, whole, layout.block);
  if (length % layout.block) addPart(x, y, layout, whole, 1, length % layout.block);
}

// `blocks` blocks of `length` elements of the blocked axis; the axis becomes (block, position in block).
void QuantizeWalk::addPart(const Tensor& x, const Tensor& y, const ScaleLayout& layout, int64_t firstBlock,
                           int64_t blocks, int64_t length) {
  int64_t dim[kMaxWalkRank], stride[4][kMaxWalkRank];
  int rank = 0;
  const auto add = [&](int64_t n, int64_t strideX, int64_t strideY, int64_t scale, int64_t zero) {
    dim[rank] = n;
    stride[X][rank] = strideX;
    stride[Y][rank] = strideY;
    stride[Scale][rank] = scale;
    stride[Zero][rank++] = zero;
  };
  for (int axis = 0; axis < x.type.shape.rank; ++axis) {
    if (axis != layout.axis) {
      add(x.type.shape[axis], x.stride[axis], y.stride[axis], layout.scale[axis], layout.zero[axis]);
      continue;
    }
    add(blocks, x.stride[axis] * layout.block, y.stride[axis] * layout.block, layout.scale[axis],
        layout.zero[axis]);
    add(length, x.stride[axis], y.stride[axis], 0, 0);
    start_[parts_][X] = firstBlock * layout.block * x.stride[axis];
    start_[parts_][Y] = firstBlock * layout.block * y.stride[axis];
    start_[parts_][Scale] = firstBlock * layout.scale[axis];
    start_[parts_][Zero] = firstBlock * layout.zero[axis];
  }
  part_[parts_] = StridedWalk<4>(rank, dim, {stride[X], stride[Y], stride[Scale], stride[Zero]});
  part_[parts_++].orderBy(Y); // elements are independent
}

} // namespace burin::rt
