// Ops that work the same in any order of the axes, rewritten for another order.
#pragma once

#include "lib/prepare/rewrite.h"

namespace burin::rewrites {

using Permutation = std::vector<int64_t>;

Permutation inverse(llvm::ArrayRef<int64_t> perm);
// transpose(transpose(x, first), second) = transpose(x, compose(first, second))
Permutation compose(llvm::ArrayRef<int64_t> first, llvm::ArrayRef<int64_t> second);
std::vector<int64_t> permuted(llvm::ArrayRef<int64_t> values, llvm::ArrayRef<int64_t> perm);
// A transpose of this shape that moves no data: the axes longer than 1 keep their sequence.
bool movesNothing(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> perm);

// How many leading operands have the result's axes; the rest are scales and zero points.
int64_t operandsWithAxes(mlir::Operation* op);
// True if `op` (one result, every activation of the result's rank) can be rewritten by inOtherOrder.
bool worksInAnyOrder(mlir::Operation* op);
// The attributes of `op` for operands x' with x = transpose(x', perm); the result obeys the same equation.
mlir::DictionaryAttr inOtherOrder(mlir::Operation* op, llvm::ArrayRef<int64_t> perm);

// True for a reshape in front of a product with constant weights that can take a transpose by `perm` before
// it.
bool flattensIntoWeights(mlir::Operation* op, llvm::ArrayRef<int64_t> perm);

} // namespace burin::rewrites
