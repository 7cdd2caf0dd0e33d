// A walk over two tensors of one shape where the first is contiguous along one axis ("rows") and the second
// along another ("columns"): it visits tiles of both axes that stay in the first-level cache.
#pragma once

#include "runtime/ops/iterate.h"

namespace burin::rt {

class TileWalk {
public:
  static constexpr int64_t kTileElements = 1024;

  // False when the tensors have no such axes. `walk` is in the memory order of tensor 1.
  bool plan(const StridedWalk<2>& walk);

  int64_t tiles() const { return outer_.elements() * rowTiles_ * columnTiles_; }
  int64_t columnStep() const { return columnStep_; } // between columns in tensor 0
  int64_t rowStep() const { return rowStep_; }       // between rows in tensor 1

  // Calls body(offset0, offset1, rows, columns) for the tiles [begin, end).
  template <class Body>
  void forTiles(int64_t begin, int64_t end, const Body& body) const {
    const int64_t perMatrix = rowTiles_ * columnTiles_;
    for (int64_t matrix = begin / perMatrix; matrix * perMatrix < end; ++matrix)
      outer_.forEach(matrix, matrix + 1, [&](const int64_t* offset) {
        const int64_t last = std::min(perMatrix, end - matrix * perMatrix);
        for (int64_t tile = std::max<int64_t>(0, begin - matrix * perMatrix); tile < last; ++tile) {
          const int64_t r = tile / columnTiles_ * rowTile_, c = tile % columnTiles_ * columnTile_;
          body(offset[0] + c * columnStep_ + r, offset[1] + r * rowStep_ + c, std::min(rowTile_, rows_ - r),
               std::min(columnTile_, columns_ - c));
        }
      });
  }

private:
  StridedWalk<2> outer_; // the axes that are not tiled
  int64_t rows_ = 0, columns_ = 0, columnStep_ = 0, rowStep_ = 0;
  int64_t rowTile_ = 1, columnTile_ = 1, rowTiles_ = 0, columnTiles_ = 0;
};

} // namespace burin::rt
