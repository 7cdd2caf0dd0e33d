// Constants of a graph, whose bytes MLIR keeps under a key beside the module.
#pragma once

#include "lib/nn/nn.h"

#include "mlir/IR/AsmState.h"

namespace burin::nn {

// The attribute of a constant's bytes; its key is the name, with _1, _2, ... where that is taken, "c" without
// one.
mlir::DenseResourceElementsAttr resource(mlir::ShapedType type, const std::string& name,
                                         mlir::AsmResourceBlob blob);
// A constant of these bytes and this source name (or none) at the builder's place.
mlir::Value constant(mlir::OpBuilder& builder, mlir::RankedTensorType type, mlir::AsmResourceBlob blob,
                     const std::string& name);

} // namespace burin::nn
