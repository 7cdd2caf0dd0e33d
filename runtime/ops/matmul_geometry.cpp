#include "runtime/ops/matmul_geometry.h"

#include "runtime/ops/infer_check.h"

#include <algorithm>

namespace burin::rt {

namespace {

// Last two axes of an operand as a matrix.
struct Matrix {
  int64_t rows, columns;
};
Matrix matrixOf(const Shape& shape, bool transposed, bool left) {
  if (shape.rank == 1) return left ? Matrix{1, shape[0]} : Matrix{shape[0], 1};
  const Matrix stored{shape[shape.rank - 2], shape[shape.rank - 1]};
  return transposed ? Matrix{stored.columns, stored.rows} : stored;
}

int batchRank(const Shape& shape) { return std::max(shape.rank - 2, 0); }

bool broadcastBatch(const Shape& a, const Shape& b, Shape& batch, std::string& error) {
  const int rankA = batchRank(a), rankB = batchRank(b), rank = std::max(rankA, rankB);
  for (int i = 0; i < rank; ++i) {
    const int64_t x = i < rank - rankA ? 1 : a[i - (rank - rankA)];
    const int64_t y = i < rank - rankB ? 1 : b[i - (rank - rankB)];
    if (x != y && x != 1 && y != 1)
      return reject(error, "shapes " + toString(a) + " and " + toString(b) + " do not broadcast");
    batch.push(x == 1 ? y : x);
  }
  return true;
}

MatMulStrides stridesOf(const MatMulGeometry& g, const Tensor& t, int matrixAxes) {
  MatMulStrides strides;
  const int own = t.shape().rank - matrixAxes, lead = g.batch.rank - own;
  for (int i = lead; i < g.batch.rank; ++i)
    strides.batch[i] = t.shape()[i - lead] == 1 ? 0 : t.stride[i - lead];
  return strides;
}

} // namespace

int64_t MatMulStrides::batchOffset(const Shape& shape, int64_t index) const {
  int64_t offset = 0;
  for (int i = shape.rank - 1; i >= 0; --i) {
    offset += index % shape[i] * batch[i];
    index /= shape[i];
  }
  return offset;
}

bool parseMatMul(const Signature& signature, MatMulGeometry& g, std::string& error) {
  const Shape &a = signature.input(0)->shape, &b = signature.input(1)->shape;
  const bool transA = signature.attrs.integer("trans_a") != 0,
             transB = signature.attrs.integer("trans_b") != 0;
  if (a.rank < 1 || b.rank < 1) return reject(error, "a matrix product takes no scalars");
  if ((transA && a.rank < 2) || (transB && b.rank < 2)) return reject(error, "a vector cannot be transposed");
  const Matrix left = matrixOf(a, transA, true), right = matrixOf(b, transB, false);
  if (left.columns != right.rows)
    return reject(error, "shapes " + toString(a) + " and " + toString(b) + " disagree in the summed axis: " +
                             std::to_string(left.columns) + " and " + std::to_string(right.rows));
  if (!broadcastBatch(a, b, g.batch, error)) return false;
  g.rows = left.rows;
  g.columns = right.columns;
  g.depth = left.columns;
  g.result = g.batch;
  if (a.rank > 1) g.result.push(g.rows);
  if (b.rank > 1) g.result.push(g.columns);
  return checkShape(g.result, error);
}

MatMulStrides leftStrides(const MatMulGeometry& g, const Tensor& a, bool transposed) {
  const int rank = a.shape().rank;
  if (rank == 1) {
    MatMulStrides strides;
    strides.column = a.stride[0];
    return strides;
  }
  MatMulStrides strides = stridesOf(g, a, 2);
  strides.row = a.stride[transposed ? rank - 1 : rank - 2];
  strides.column = a.stride[transposed ? rank - 2 : rank - 1];
  return strides;
}

MatMulStrides rightStrides(const MatMulGeometry& g, const Tensor& b, bool transposed) {
  if (b.shape().rank > 1) return leftStrides(g, b, transposed);
  MatMulStrides strides;
  strides.row = b.stride[0];
  return strides;
}

MatMulStrides resultStrides(const MatMulGeometry& g, const Tensor& y, bool leftIsVector, bool rightIsVector) {
  MatMulStrides strides = stridesOf(g, y, (leftIsVector ? 0 : 1) + (rightIsVector ? 0 : 1));
  int axis = y.shape().rank;
  if (!rightIsVector) strides.column = y.stride[--axis];
  if (!leftIsVector) strides.row = y.stride[--axis];
  return strides;
}

} // namespace burin::rt
