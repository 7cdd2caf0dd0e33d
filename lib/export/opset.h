// Which release of ONNX a graph needs.
#pragma once

#include "mlir/IR/Operation.h"

#include <cstdint>

namespace burin::onnx_export {

// The oldest opset we write: the first with bitwise ops, reductions over axes given as inputs, antialiased
// Resize.
constexpr int64_t kOldestOpset = 18;

// The first opset, from kOldestOpset on, in which ONNX can express the op.
int64_t requiredOpset(mlir::Operation& op);

} // namespace burin::onnx_export
