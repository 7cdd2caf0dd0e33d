// Shapes of a batched matrix product: operands seen as [batch..., rows, depth] x [batch..., depth, columns]
// with the transposes and numpy's broadcasting resolved into strides.
#pragma once

#include "runtime/core/op.h"

#include <cstdint>
#include <string>

namespace burin::rt {

struct MatMulGeometry {
  int64_t rows = 1, columns = 1, depth = 1;
  Shape batch;  // broadcast batch axes
  Shape result; // logical shape of the result, without the axes that vectors do not have

  int64_t batches() const { return batch.elements(); }
};

// Element strides of one operand; batch axes of length 1 have stride 0.
struct MatMulStrides {
  int64_t row = 0, column = 0;
  int64_t batch[kMaxRank] = {};
  int64_t batchOffset(const Shape& shape, int64_t index) const;
};

bool parseMatMul(const Signature& signature, MatMulGeometry& geometry, std::string& error);

MatMulStrides leftStrides(const MatMulGeometry& geometry, const Tensor& a, bool transposed);
MatMulStrides rightStrides(const MatMulGeometry& geometry, const Tensor& b, bool transposed);
// `leftIsVector`, `rightIsVector`: which of the last two axes the result lacks.
MatMulStrides resultStrides(const MatMulGeometry& geometry, const Tensor& y, bool leftIsVector,
                            bool rightIsVector);

} // namespace burin::rt
