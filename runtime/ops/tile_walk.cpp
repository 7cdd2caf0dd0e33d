#include "runtime/ops/tile_walk.h"

namespace burin::rt {

bool TileWalk::plan(const StridedWalk<2>& walk) {
  if (walk.rank() < 2 || walk.step(1) != 1 || walk.elements() == 0) return false;
  const int inner = walk.rank() - 1;
  int rowAxis = -1;
  for (int axis = 0; axis < inner; ++axis)
    if (walk.stride(0, axis) == 1) rowAxis = axis;
  if (rowAxis < 0) return false;
  rows_ = walk.dim(rowAxis);
  rowStep_ = walk.stride(1, rowAxis);
  columns_ = walk.dim(inner);
  columnStep_ = walk.stride(0, inner);
  int64_t dim[kMaxWalkRank], first[kMaxWalkRank], second[kMaxWalkRank];
  int rank = 0;
  for (int axis = 0; axis < inner; ++axis) {
    if (axis == rowAxis) continue;
    dim[rank] = walk.dim(axis);
    first[rank] = walk.stride(0, axis);
    second[rank++] = walk.stride(1, axis);
  }
  outer_ = StridedWalk<2>(rank, dim, {first, second});
  columnTile_ = std::min<int64_t>(columns_, 32);
  rowTile_ = kTileElements / columnTile_;
  rowTiles_ = (rows_ + rowTile_ - 1) / rowTile_;
  columnTiles_ = (columns_ + columnTile_ - 1) / columnTile_;
  return true;
}

} // namespace burin::rt
