// The `nn` dialect: C++ side of nn.td.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "runtime/core/types.h"

#include <string>
#include <vector>

namespace burin::nn {

// Result types by the shape rule of runtime/ops; the body of every op's inferReturnTypes.
mlir::LogicalResult inferTypes(llvm::StringRef opName, mlir::MLIRContext* context,
                               std::optional<mlir::Location> location, mlir::ValueRange operands,
                               mlir::DictionaryAttr attributes, llvm::SmallVectorImpl<mlir::Type>& types);

// Element types. A `!quant.uniform` element counts as its storage type.
mlir::Type elementType(mlir::MLIRContext* context, rt::DType dtype);
bool elementDType(mlir::Type element, rt::DType& dtype);
// False for a type that programs cannot hold (dynamic shape, rank > 8, exotic element).
bool tensorType(mlir::Type type, rt::TensorType& out);

// The op's inherent attributes as program attributes; `names`, `node` and MLIR-only ones are left out.
rt::Attrs programAttrs(mlir::DictionaryAttr attributes);

// Source tensor names: one per result, "" when unknown.
std::string valueName(mlir::Value value);
void setNames(mlir::Operation* op, llvm::ArrayRef<std::string> names);
std::string nodeName(mlir::Operation* op); // the source node's name, else its first output's

// Bytes of a constant's value in row-major order, or an empty range if `value` is no constant.
llvm::ArrayRef<char> constantBytes(mlir::Value value);
// Constant as floats/integers (converted), empty when not a constant. Floats beyond the integers become the
// nearest, NaN the lowest.
std::vector<float> constantFloats(mlir::Value value);
std::vector<int64_t> constantInts(mlir::Value value);

} // namespace burin::nn

#include "lib/nn/nn_dialect.h.inc"
#define GET_OP_CLASSES
#include "lib/nn/nn_ops.h.inc"
