// The `qnn` dialect: C++ side of qnn.td.
#pragma once

#include "lib/nn/nn.h"

namespace burin::qnn {
// Checks operand and result shapes with the rule of runtime/ops.
mlir::LogicalResult verifyByRule(mlir::Operation* op);
} // namespace burin::qnn

#include "lib/qnn/qnn_dialect.h.inc"
#define GET_OP_CLASSES
#include "lib/qnn/qnn_ops.h.inc"
