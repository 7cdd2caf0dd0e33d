// Matrix products as loops over logical indices.
#pragma once

#include "runtime/ops/conv_arithmetic.h"
#include "runtime/ops/matmul_geometry.h"

namespace burin::rt {

struct MatMulLayout {
  MatMulGeometry geometry;
  MatMulStrides left, right, result;
};
bool matMulLayout(const Node& node, MatMulLayout& layout, std::string& error);

// Every result is one chain over the depth. step(a, b, column, sum) adds a term.
template <class A, class B, class Sum, class Step, class Start, class Finish>
void multiplyMatrices(ThreadPool& pool, const MatMulLayout& l, const A* a, const B* b, const Step& step,
                      const Start& start, const Finish& finish) {
  const MatMulGeometry& g = l.geometry;
  pool.parallelFor(g.batches() * g.rows, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t index = begin; index < end; ++index) {
      const int64_t batch = index / g.rows, row = index % g.rows;
      const A* aRow = a + l.left.batchOffset(g.batch, batch) + row * l.left.row;
      const B* bMatrix = b + l.right.batchOffset(g.batch, batch);
      const int64_t yRow = l.result.batchOffset(g.batch, batch) + row * l.result.row;
      for (int64_t column = 0; column < g.columns; ++column) {
        Sum sum = start(column);
        for (int64_t k = 0; k < g.depth; ++k)
          sum =
              step(aRow[k * l.left.column], bMatrix[k * l.right.row + column * l.right.column], column, sum);
        finish(sum, column, yRow + column * l.result.column);
      }
    }
  });
}

// nn.matmul: float, or 32 and 64 bit integers with wrap-around. qnn.matmul: 8 and 16 bit integers.
std::unique_ptr<Kernel> makeMatMulReference(const Node& node, const MatMulLayout& layout, std::string& error);
std::unique_ptr<Kernel> makeQMatMulReference(const Node& node, const MatMulLayout& layout,
                                             std::string& error);

} // namespace burin::rt
