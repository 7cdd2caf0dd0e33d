// Pooling over everything is a reduction. Pools of a quantized model stay what they are: its integers round
// otherwise in an average pool than in a mean, and a maximum has an integer kernel only as a pool.
#include "lib/prepare/rewrite.h"

using namespace mlir;

namespace burin::rewrites {

namespace {
std::vector<int64_t> spatialAxes(Value x) {
  std::vector<int64_t> axes;
  for (int64_t i = 2; i < rankOf(x); ++i) axes.push_back(i);
  return axes;
}

bool isQuantized(Value x) {
  Operation* source = x.getDefiningOp();
  while (source && source->getName().getStringRef() == "nn.transpose")
    source = source->getOperand(0).getDefiningOp();
  return source && source->getName().getStringRef() == "nn.dequantize";
}

// One window that covers x exactly.
bool isGlobal(Operation* op) {
  if (isQuantized(op->getOperand(0))) return false;
  ArrayRef<int64_t> x = shapeOf(op->getOperand(0)).drop_front(2);
  auto all = [](ArrayRef<int64_t> values, int64_t wanted) {
    return llvm::all_of(values, [&](int64_t v) { return v == wanted; });
  };
  return intsOf(op, "kernel") == x && all(intsOf(op, "sizes"), 1) && all(intsOf(op, "pads"), 0) &&
         all(intsOf(op, "dilations"), 1);
}

// avg_pool over one window that is all of x = mean
struct GlobalAveragePool : OpRewritePattern<nn::AvgPoolOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::AvgPoolOp op, PatternRewriter& rewriter) const override {
    if (!isGlobal(op)) return failure();
    return replaceWithNew(
        rewriter, op, "reduce", {op.getX()},
        attrs(op).s("fn", "mean").ints("axes", spatialAxes(op.getX())).b("keep_dims", true));
  }
};

// max_pool over one window that is all of x = max
struct GlobalMaxPool : OpRewritePattern<nn::MaxPoolOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::MaxPoolOp op, PatternRewriter& rewriter) const override {
    if (!isGlobal(op)) return failure();
    return replaceWithNew(rewriter, op, "reduce", {op.getX()},
                          attrs(op).s("fn", "max").ints("axes", spatialAxes(op.getX())).b("keep_dims", true));
  }
};
} // namespace

void addPoolPatterns(RewritePatternSet& patterns) {
  patterns.add<GlobalAveragePool, GlobalMaxPool>(patterns.getContext());
}

} // namespace burin::rewrites
