// What the rewrite files share: reading constants and shapes, making ops that keep source names. One pattern
// is one struct; its comment is the algebra. A group of patterns is one file and runs to its fixpoint before
// the next group.
#pragma once

#include "lib/nn/builder.h"

#include "mlir/IR/PatternMatch.h"

#include <limits>
#include <optional>

namespace burin::rewrites {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

//===-- groups
//---------------------------------------------------------------------------------------------------===//

struct Group {
  const char* name;
  void (*add)(mlir::RewritePatternSet& patterns);
};
// In the order in which prepare() runs them.
llvm::ArrayRef<Group> groups();

void addConstantPatterns(mlir::RewritePatternSet& patterns);
void addIdentityPatterns(mlir::RewritePatternSet& patterns);
void addReshapePatterns(mlir::RewritePatternSet& patterns);
void addTransposePatterns(mlir::RewritePatternSet& patterns);
void addSlicePatterns(mlir::RewritePatternSet& patterns);
void addMatMulPatterns(mlir::RewritePatternSet& patterns);
void addPoolPatterns(mlir::RewritePatternSet& patterns);
void addFunctionPatterns(mlir::RewritePatternSet& patterns);
void addGatedPatterns(mlir::RewritePatternSet& patterns);
void addNormPatterns(mlir::RewritePatternSet& patterns);
void addScalePatterns(mlir::RewritePatternSet& patterns);
void addBatchNormPatterns(mlir::RewritePatternSet& patterns);
void addClampPatterns(mlir::RewritePatternSet& patterns);
void addPadPatterns(mlir::RewritePatternSet& patterns);

// Runs one group to its fixpoint; true if anything changed.
bool runGroup(nn::GraphOp graph, const Group& group);
// Ops with equal operands and attributes become one; names do not count.
bool mergeEqualOps(nn::GraphOp graph);
// Moves whole regions of elementwise ops to the other side of the transposes around them where that moves
// less data.
bool flipTransposedRegions(nn::GraphOp graph);
bool removeDeadOps(nn::GraphOp graph);
// Constants of one repeated value (`dense<0.0>` in hand-written modules) are written out.
void expandSplats(nn::GraphOp graph);

//===-- reading
//--------------------------------------------------------------------------------------------------===//

llvm::ArrayRef<int64_t> shapeOf(mlir::Value value);
inline int64_t rankOf(mlir::Value value) { return static_cast<int64_t>(shapeOf(value).size()); }
int64_t elementsOf(mlir::Value value);
bool isF32(mlir::Value value);
bool isNone(mlir::Value value);
bool isConstantF32(mlir::Value value);

// `value`'s op if it is "nn.<mnemonic>", else null.
mlir::Operation* producer(mlir::Value value, llvm::StringRef mnemonic);
// The function name of a unary, binary or reduce op.
llvm::StringRef functionOf(mlir::Operation* op);
bool isUnary(mlir::Operation* op, llvm::StringRef fn);
// An unclamped f32 binary op.
bool isBinary(mlir::Operation* op, llvm::StringRef fn);
float unaryParameter(mlir::Operation* op, bool beta); // with the function's default
llvm::ArrayRef<int64_t> intsOf(mlir::Operation* op, llvm::StringRef attribute);
int64_t intOf(mlir::Operation* op, llvm::StringRef attribute, int64_t fallback = 0);
bool flagOf(mlir::Operation* op, llvm::StringRef attribute);
llvm::StringRef textOf(mlir::Operation* op, llvm::StringRef attribute);

// The one value that all elements of an f32 constant have.
std::optional<double> uniformConstant(mlir::Value value);
// A binary op of one activation and a uniform constant that keeps the activation's type.
struct ScalarOperand {
  mlir::Value x;
  double constant = 0;
  bool constantFirst = false;
};
std::optional<ScalarOperand> scalarOperand(mlir::Operation* op);

// Bounds of a fused clamp.
struct Range {
  double lo = -kInfinity, hi = kInfinity;
};
Range clampOf(mlir::Operation* op);
// Reads relu, clip, and min or max with a uniform constant as a clamp of `x`.
std::optional<Range> readClamp(mlir::Operation* op, mlir::Value& x);
// Bounds of a tensor's values that follow from the graph, through at most a few dozen ops.
Range knownRange(mlir::Value value);

bool nearlyEqual(double a, double b, double relative = 1e-5);

//===-- writing
//--------------------------------------------------------------------------------------------------===//

// Attributes of a new op: a list as importers write it, or a finished dictionary.
struct OpAttributes {
  OpAttributes(const nn::AttrList& list) : dictionary(list.dictionary()) {}
  OpAttributes(mlir::DictionaryAttr ready) : dictionary(ready) {}
  mlir::DictionaryAttr dictionary;
};
inline nn::AttrList attrs(mlir::Operation* op) { return nn::AttrList(op->getContext()); }

// f32 constant at the builder's insertion point.
mlir::Value floatConstant(mlir::OpBuilder& builder, llvm::ArrayRef<float> values,
                          llvm::ArrayRef<int64_t> shape, const std::string& name = {});
// Constant of any type from row-major bytes.
mlir::Value bytesConstant(mlir::OpBuilder& builder, mlir::RankedTensorType type, llvm::ArrayRef<char> bytes,
                          const std::string& name = {});

// A new unnamed "nn.<mnemonic>"; null if the shape rule rejects it.
mlir::Operation* makeOp(mlir::OpBuilder& builder, llvm::StringRef mnemonic, mlir::ValueRange operands,
                        const OpAttributes& attributes, mlir::Operation* nodeOf = nullptr);
// Replaces single-result `old` by a new op that takes its name and node. Fails, with nothing changed, if the
// new op would not have the same type.
mlir::LogicalResult replaceWithNew(mlir::PatternRewriter& rewriter, mlir::Operation* old,
                                   llvm::StringRef mnemonic, mlir::ValueRange operands,
                                   const OpAttributes& attributes);
// Replaces `old` by an existing value of the same type; a nameless value takes the name.
mlir::LogicalResult forwardTo(mlir::PatternRewriter& rewriter, mlir::Operation* old, mlir::Value value);
// `op`'s result and node become those of `named` (single results).
void takeName(mlir::Operation* op, mlir::Operation* named);

} // namespace burin::rewrites
