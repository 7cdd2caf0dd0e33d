// Integer rules: how an op of the float graph becomes integer ops. One function per group of ops.
#pragma once

#include "lib/quantize/as_is.h"
#include "lib/quantize/emitter.h"
#include "lib/quantize/weights.h"

namespace burin::quantize {

struct RuleContext {
  Emitter& emit;
  const Target& target;
  const OpPlan& plan;
  Scheme scheme;
  const StoredConstants& stored; // integers that a quantized model brings along

  const StoredConstant* storedOf(mlir::Value v) const {
    auto it = stored.find(v);
    return it == stored.end() ? nullptr : &it->second;
  }
};

// Each emits the op and registers its result; a failure (Unsupported) names why, and the op stays float.
Status quantizeHeavy(mlir::Operation* op, RuleContext& context);  // convolutions and products
Status quantizeBinary(mlir::Operation* op, RuleContext& context); // add, sub, mul
Status quantizeLut(mlir::Operation* op, RuleContext& context);    // functions of one activation
Status quantizeRecurrent(mlir::Operation* op, RuleContext& context);
Status quantizeSoftmax(mlir::Operation* op, RuleContext& context);
Status quantizeResize(mlir::Operation* op, RuleContext& context);  // linear
Status quantizeAverage(mlir::Operation* op, RuleContext& context); // avg_pool, mean
Status quantizeConcat(mlir::Operation* op, RuleContext& context);
Status quantizeSameScale(mlir::Operation* op, RuleContext& context); // max_pool, movement
Status quantizeIdentity(mlir::Operation* op, RuleContext& context);  // from one scale to another

// Operators that have integers in TensorFlow Lite's arithmetic alone, where a quantized model brings their
// scales along.
enum class TfliteRule : uint8_t {
  None,
  Pair,      // qnn.binary
  Normalize, // qnn.l2_normalize
  Sum,       // qnn.reduce
  Product,   // qnn.reduce
  Stored,    // an nn op that moves or compares stored integers of one scale
};
struct TfliteOperator {
  TfliteRule rule = TfliteRule::None;
  llvm::StringRef fn;
  llvm::SmallVector<mlir::Value> operands; // of the whole operator, which may be several ops
  int64_t axis = 0;                        // Normalize
};
// The operator that ends with `op`; without a rule it has the op's operands. `hasScale` tells which tensors
// are integers.
TfliteOperator tfliteOperator(mlir::Operation* op, const Target& target,
                              llvm::function_ref<bool(mlir::Value)> hasScale);
Status quantizeTflite(mlir::Operation* op, const TfliteOperator& known, RuleContext& context);
// fn of two operands by qnn.binary with the rule tflite.
Status quantizePair(mlir::Operation* op, llvm::StringRef fn, llvm::ArrayRef<mlir::Value> operands,
                    RuleContext& context);

// An activation's integers, or a constant's as the model stores them.
struct IntegerOperand {
  mlir::Value value;
  Integers integers;
};
Result<IntegerOperand> storedOperand(mlir::Value v, const StoredConstant& stored, RuleContext& context);

// An op qnn.lut; `entries` are one table of 256 (65536 for 16-bit x) by stored bits, or one per index of
// `axis`.
struct TableUse {
  mlir::Value x;
  mlir::Type type; // of the result
  std::string name, node;
  int64_t axis = 1; // of several tables
};
mlir::Value emitTable(const TableUse& use, llvm::ArrayRef<int32_t> entries, mlir::NamedAttrList attributes,
                      RuleContext& context);
// The positive constant that op multiplies its first operand by; nothing for any other op.
std::optional<float> constantFactor(mlir::Operation* op);

// The op's result on integers of its scale.
void emitInteger(mlir::Operation* op, llvm::StringRef type, llvm::ArrayRef<mlir::Value> operands,
                 mlir::NamedAttrList attributes, RuleContext& context);
// Clamp bounds of a fused activation on the result's integers, as attributes q_lo and q_hi.
void setClamp(mlir::Operation* op, const Integers& result, mlir::NamedAttrList& attributes,
              const Target& target);
// The op's inherent attributes but the float clamp.
mlir::NamedAttrList geometry(mlir::Operation* op);

} // namespace burin::quantize
