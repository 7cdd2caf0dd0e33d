// Reshapes merge with each other and with the reductions around them.
#include "lib/prepare/rewrite.h"

using namespace mlir;

namespace burin::rewrites {

namespace {
// reshape(reshape(x)) = reshape(x)
struct MergeReshapes : OpRewritePattern<nn::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ReshapeOp op, PatternRewriter& rewriter) const override {
    Operation* inner = producer(op.getX(), "reshape");
    if (!inner) return failure();
    rewriter.modifyOpInPlace(op, [&] { op->setOperand(0, inner->getOperand(0)); });
    return success();
  }
};

// reshape(f(reshape(x))) = reshape(f(x)) for functions of one element
struct MergeReshapesAroundUnary : OpRewritePattern<nn::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ReshapeOp op, PatternRewriter& rewriter) const override {
    SmallVector<Operation*> chain;
    Value x = op.getX();
    for (; producer(x, "unary") && x.hasOneUse(); x = chain.back()->getOperand(0))
      chain.push_back(x.getDefiningOp());
    Operation* inner = producer(x, "reshape");
    if (!inner || chain.empty() || !x.hasOneUse()) return failure();
    rewriter.setInsertionPoint(op);
    Value y = inner->getOperand(0);
    for (Operation* old : llvm::reverse(chain)) {
      nn::AttrList attributes = attrs(op);
      attributes.s("fn", functionOf(old));
      for (StringRef p : {"alpha", "beta"})
        if (auto a = old->getAttrOfType<FloatAttr>(p))
          attributes.f(p, static_cast<float>(a.getValueAsDouble()));
      Operation* moved = makeOp(rewriter, "unary", {y}, attributes, old);
      if (!moved) return failure();
      y = moved->getResult(0);
    }
    return replaceWithNew(rewriter, op, "reshape", {y}, attrs(op).ints("shape", op.getShape()));
  }
};

// A transpose that keeps the sequence of the axes longer than 1 = reshape
struct TransposeToReshape : OpRewritePattern<nn::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::TransposeOp op, PatternRewriter& rewriter) const override {
    ArrayRef<int64_t> shape = shapeOf(op.getX());
    int64_t last = -1;
    for (int64_t axis : op.getPerm()) {
      if (shape[axis] == 1) continue;
      if (axis < last) return failure();
      last = axis;
    }
    return replaceWithNew(rewriter, op, "reshape", {op.getX()}, attrs(op).ints("shape", shapeOf(op.getY())));
  }
};

// reshape(reduce(x)) = reduce(x) with the other keep_dims, where that gives the shape
struct ReshapeIntoReduce : OpRewritePattern<nn::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ReshapeOp op, PatternRewriter& rewriter) const override {
    Operation* reduce = producer(op.getX(), "reduce");
    if (!reduce || !op.getX().hasOneUse()) return failure();
    return replaceWithNew(rewriter, op, "reduce", {reduce->getOperand(0)},
                          attrs(op)
                              .s("fn", functionOf(reduce))
                              .ints("axes", intsOf(reduce, "axes"))
                              .b("keep_dims", !flagOf(reduce, "keep_dims")));
  }
};

// reduce(reduce(x, A), B) = reduce(x, A and B) for sum, mean, max and min of kept axes
struct MergeReduces : OpRewritePattern<nn::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ReduceOp op, PatternRewriter& rewriter) const override {
    Operation* inner = producer(op.getX(), "reduce");
    StringRef fn = op.getFn();
    if (!inner || !op.getX().hasOneUse() || functionOf(inner) != fn || !flagOf(inner, "keep_dims") ||
        !isF32(op.getX()))
      return failure();
    if (fn != "sum" && fn != "mean" && fn != "max" && fn != "min") return failure();
    std::vector<int64_t> axes(op.getAxes());
    for (int64_t a : intsOf(inner, "axes"))
      if (!llvm::is_contained(axes, a)) axes.push_back(a);
    llvm::sort(axes);
    return replaceWithNew(rewriter, op, "reduce", {inner->getOperand(0)},
                          attrs(op).s("fn", fn).ints("axes", axes).b("keep_dims", op.getKeepDims()));
  }
};
} // namespace

void addReshapePatterns(RewritePatternSet& patterns) {
  patterns.add<MergeReshapes, MergeReshapesAroundUnary, TransposeToReshape, ReshapeIntoReduce, MergeReduces>(
      patterns.getContext());
}

} // namespace burin::rewrites
