// Elementwise work between two tensors whose memory orders may differ: contiguous rows where both agree, else
// tiles that are computed in x's order and transposed into y.
#pragma once

#include "runtime/kernels/transpose.h"
#include "runtime/ops/tile_walk.h"

namespace burin::rt {

class RowMap {
public:
  // False when neither way applies.
  bool plan(const Tensor& x, const Tensor& y, Isa isa) {
    walk_ = StridedWalk<2>(x.type.shape, {x.stride, y.stride});
    walk_.orderBy(1);
    transpose_ = transposeTile(dtypeBytes(y.dtype()), isa);
    contiguous_ = walk_.step(0) == 1 && walk_.step(1) == 1;
    return contiguous_ || tiles_.plan(walk_);
  }

  // Calls row(from, to, count) for contiguous elements.
  template <class X, class Y, class Row>
  void run(ThreadPool& pool, const X* x, Y* y, const Row& row) const {
    if (contiguous_) {
      pool.parallelFor(walk_.elements(), 8192, [&](int64_t begin, int64_t end, int) {
        walk_.forRuns(begin, end,
                      [&](const int64_t* at, int64_t count) { row(x + at[0], y + at[1], count); });
      });
      return;
    }
    pool.parallelFor(tiles_.tiles(), 8, [&](int64_t begin, int64_t end, int) {
      Y tile[TileWalk::kTileElements];
      tiles_.forTiles(begin, end, [&](int64_t from, int64_t to, int64_t rows, int64_t columns) {
        for (int64_t c = 0; c < columns; ++c) row(x + from + c * tiles_.columnStep(), tile + c * rows, rows);
        transpose_(tile, rows, y + to, tiles_.rowStep(), rows, columns);
      });
    });
  }

private:
  StridedWalk<2> walk_; // x, y
  TileWalk tiles_;
  TransposeTile transpose_ = nullptr;
  bool contiguous_ = false;
};

} // namespace burin::rt
