// Ops that do nothing, and exact simplifications of arithmetic.
#include "lib/prepare/rewrite.h"

#include <cmath>

using namespace mlir;

namespace burin::rewrites {

namespace {
bool allEqual(ArrayRef<int64_t> values, int64_t wanted) {
  return llvm::all_of(values, [&](int64_t v) { return v == wanted; });
}

bool doesNothing(Operation* op) {
  if (op->getNumResults() != 1 || op->getNumOperands() == 0 ||
      op->getOperand(0).getType() != op->getResult(0).getType())
    return false;
  if (isa<nn::ReshapeOp, nn::ExpandOp, nn::CastOp>(op)) return true;
  if (isa<nn::ConcatOp>(op)) return op->getNumOperands() == 1;
  if (isa<nn::UnaryOp>(op)) return functionOf(op) == "identity";
  if (isa<nn::SliceOp>(op)) return allEqual(intsOf(op, "steps"), 1); // equal type: all of x
  if (isa<nn::PadOp>(op)) return allEqual(intsOf(op, "pads"), 0);
  if (isa<nn::TileOp>(op)) return allEqual(intsOf(op, "repeats"), 1);
  if (isa<nn::ReduceOp>(op)) { // over axes of length 1
    StringRef fn = functionOf(op);
    bool keeps = fn == "sum" || fn == "mean" || fn == "max" || fn == "min" || fn == "prod";
    return keeps &&
           llvm::all_of(intsOf(op, "axes"), [&](int64_t a) { return shapeOf(op->getOperand(0))[a] == 1; });
  }
  if (isa<nn::TransposeOp>(op)) {
    ArrayRef<int64_t> perm = intsOf(op, "perm");
    for (size_t i = 0; i < perm.size(); ++i)
      if (perm[i] != static_cast<int64_t>(i)) return false;
    return true;
  }
  return false;
}

// f(x) = x
struct DropIdentity : RewritePattern {
  explicit DropIdentity(MLIRContext* context) : RewritePattern(MatchAnyOpTypeTag(), 4, context) {}
  LogicalResult matchAndRewrite(Operation* op, PatternRewriter& rewriter) const override {
    return doesNothing(op) ? forwardTo(rewriter, op, op->getOperand(0)) : failure();
  }
};

// x + 0 = x - 0 = x * 1 = x / 1 = x ^ 1 = x
struct DropNeutral : OpRewritePattern<nn::BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BinaryOp op, PatternRewriter& rewriter) const override {
    auto scalar = scalarOperand(op);
    if (!scalar || op->hasAttr("lo") || op->hasAttr("hi")) return failure();
    StringRef fn = op.getFn();
    bool commutes = fn == "add" || fn == "mul";
    bool neutral = fn == "add" || fn == "sub"
                       ? scalar->constant == 0
                       : (fn == "mul" || fn == "div" || fn == "pow") && scalar->constant == 1;
    return neutral && (commutes || !scalar->constantFirst) ? forwardTo(rewriter, op, scalar->x) : failure();
  }
};

// x / 2^n = x * 2^-n, exactly
struct DivideByPowerOfTwo : OpRewritePattern<nn::BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BinaryOp op, PatternRewriter& rewriter) const override {
    if (!isBinary(op, "div")) return failure();
    auto scalar = scalarOperand(op);
    if (!scalar || scalar->constantFirst || scalar->constant == 0 || !std::isfinite(scalar->constant))
      return failure();
    int exponent;
    if (std::abs(std::frexp(scalar->constant, &exponent)) != 0.5 || std::abs(exponent) > 100)
      return failure();
    rewriter.setInsertionPoint(op);
    Value reciprocal = floatConstant(rewriter, {static_cast<float>(1 / scalar->constant)}, {});
    return replaceWithNew(rewriter, op, "binary", {scalar->x, reciprocal}, attrs(op).s("fn", "mul"));
  }
};

// x ^ 2 = x * x = square(x), x ^ 0.5 = sqrt(x), x ^ -1 = 1 / x = reciprocal(x), 1 / sqrt(x) = rsqrt(x)
struct NamePower : OpRewritePattern<nn::BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BinaryOp op, PatternRewriter& rewriter) const override {
    auto become = [&](Value x, StringRef fn) {
      return replaceWithNew(rewriter, op, "unary", {x}, attrs(op).s("fn", fn));
    };
    if (isBinary(op, "mul") && op.getA() == op.getB()) return become(op.getA(), "square");
    auto scalar = scalarOperand(op);
    if (!scalar) return failure();
    if (isBinary(op, "div") && scalar->constantFirst && scalar->constant == 1) {
      Operation* root = producer(scalar->x, "unary");
      return isUnary(root, "sqrt") ? become(root->getOperand(0), "rsqrt") : become(scalar->x, "reciprocal");
    }
    if (!isBinary(op, "pow") || scalar->constantFirst) return failure();
    if (scalar->constant == 2) return become(scalar->x, "square");
    if (scalar->constant == 0.5) return become(scalar->x, "sqrt");
    return scalar->constant == -1 ? become(scalar->x, "reciprocal") : failure();
  }
};

// reciprocal(sqrt(x)) = rsqrt(x)
struct NameReciprocalRoot : OpRewritePattern<nn::UnaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::UnaryOp op, PatternRewriter& rewriter) const override {
    Operation* root = isUnary(op, "reciprocal") ? producer(op.getX(), "unary") : nullptr;
    if (!isUnary(root, "sqrt")) return failure();
    return replaceWithNew(rewriter, op, "unary", {root->getOperand(0)}, attrs(op).s("fn", "rsqrt"));
  }
};

// f(expand(x), y) = f(x, y) where broadcasting does the same
struct DropExpand : RewritePattern {
  DropExpand(StringRef root, MLIRContext* context) : RewritePattern(root, 1, context) {}
  LogicalResult matchAndRewrite(Operation* op, PatternRewriter& rewriter) const override {
    for (OpOperand& operand : op->getOpOperands()) {
      Operation* expand = producer(operand.get(), "expand");
      if (!expand) continue;
      SmallVector<Value> operands(op->getOperands());
      operands[operand.getOperandNumber()] = expand->getOperand(0);
      SmallVector<Type> types;
      if (failed(nn::inferTypes(op->getName().getStringRef(), op->getContext(), std::nullopt, operands,
                                op->getAttrDictionary(), types)) ||
          types[0] != op->getResult(0).getType())
        continue;
      rewriter.modifyOpInPlace(op, [&] { operand.set(expand->getOperand(0)); });
      return success();
    }
    return failure();
  }
};
} // namespace

void addIdentityPatterns(RewritePatternSet& patterns) {
  MLIRContext* c = patterns.getContext();
  patterns.add<DropIdentity, DropNeutral, DivideByPowerOfTwo, NamePower, NameReciprocalRoot>(c);
  patterns.add<DropExpand>(nn::BinaryOp::getOperationName(), c);
  patterns.add<DropExpand>(nn::SelectOp::getOperationName(), c);
}

} // namespace burin::rewrites
