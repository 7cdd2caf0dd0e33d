// Transposes merge.
#include "lib/prepare/rewrite.h"

using namespace mlir;

namespace burin::rewrites {

namespace {
// transpose(transpose(x, p), q) = transpose(x, p[q])
struct MergeTransposes : OpRewritePattern<nn::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::TransposeOp op, PatternRewriter& rewriter) const override {
    auto inner = op.getX().getDefiningOp<nn::TransposeOp>();
    if (!inner) return failure();
    std::vector<int64_t> perm;
    for (int64_t axis : op.getPerm()) perm.push_back(inner.getPerm()[axis]);
    rewriter.modifyOpInPlace(op, [&] {
      op->setAttr("perm", rewriter.getDenseI64ArrayAttr(perm));
      op->setOperand(0, inner.getX());
    });
    return success();
  }
};

// For a reshape that only adds or drops axes of length 1: for each axis of y its axis of x, or -1 for an
// added one.
std::optional<std::vector<int64_t>> axesOfReshape(ArrayRef<int64_t> x, ArrayRef<int64_t> y) {
  std::vector<int64_t> source(y.size(), -1);
  size_t from = 0;
  for (size_t to = 0; to < y.size(); ++to) {
    if (y[to] == 1) continue;
    while (from < x.size() && x[from] == 1) ++from;
    if (from == x.size() || x[from] != y[to]) return std::nullopt;
    source[to] = static_cast<int64_t>(from++);
  }
  return source;
}

// transpose(unsqueeze(transpose(x))) = reshape(x) where the axes longer than 1 are back in x's sequence
struct CancelAroundUnitReshape : OpRewritePattern<nn::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::TransposeOp op, PatternRewriter& rewriter) const override {
    Operation* middle = producer(op.getX(), "reshape");
    Operation* first = middle ? producer(middle->getOperand(0), "transpose") : nullptr;
    if (!first) return failure();
    auto source = axesOfReshape(shapeOf(middle->getOperand(0)), shapeOf(middle->getResult(0)));
    if (!source) return failure();
    int64_t last = -1;
    for (int64_t axis : op.getPerm()) {
      if ((*source)[axis] < 0) continue;
      int64_t original = intsOf(first, "perm")[(*source)[axis]];
      if (original < last) return failure();
      last = original;
    }
    return replaceWithNew(rewriter, op, "reshape", {first->getOperand(0)},
                          attrs(op).ints("shape", shapeOf(op.getY())));
  }
};
} // namespace

void addTransposePatterns(RewritePatternSet& patterns) {
  patterns.add<MergeTransposes, CancelAroundUnitReshape>(patterns.getContext());
}

} // namespace burin::rewrites
