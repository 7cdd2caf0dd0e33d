// Slices and concats look through each other.
#include "lib/prepare/rewrite.h"

using namespace mlir;

namespace burin::rewrites {

namespace {
// concat(concat(a, b), c) = concat(a, b, c)
struct FlattenConcat : OpRewritePattern<nn::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ConcatOp op, PatternRewriter& rewriter) const override {
    SmallVector<Value> operands;
    bool changed = false;
    for (Value x : op.getXs()) {
      auto inner = x.getDefiningOp<nn::ConcatOp>();
      bool merge = inner && inner.getAxis() == op.getAxis() && x.hasOneUse();
      if (merge)
        operands.append(inner.getXs().begin(), inner.getXs().end());
      else
        operands.push_back(x);
      changed |= merge;
    }
    if (!changed) return failure();
    rewriter.modifyOpInPlace(op, [&] { op->setOperands(operands); });
    return success();
  }
};

// slice(concat(.., x, ..)) = slice(x) where the slice stays within x
struct SliceOfConcat : OpRewritePattern<nn::SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::SliceOp op, PatternRewriter& rewriter) const override {
    auto concat = op.getX().getDefiningOp<nn::ConcatOp>();
    if (!concat || elementsOf(op.getY()) == 0) return failure();
    int64_t axis = concat.getAxis();
    int64_t first = op.getStarts()[axis], last = first + (op.getSizes()[axis] - 1) * op.getSteps()[axis];
    int64_t begin = 0;
    for (Value x : concat.getXs()) {
      int64_t end = begin + shapeOf(x)[axis];
      if (std::min(first, last) >= begin && std::max(first, last) < end) {
        std::vector<int64_t> starts(op.getStarts());
        starts[axis] -= begin;
        return replaceWithNew(
            rewriter, op, "slice", {x},
            attrs(op).ints("starts", starts).ints("sizes", op.getSizes()).ints("steps", op.getSteps()));
      }
      begin = end;
    }
    return failure();
  }
};

// slice(slice(x)) = slice(x): starts s1 + s2 * t1, steps t1 * t2
struct MergeSlices : OpRewritePattern<nn::SliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::SliceOp op, PatternRewriter& rewriter) const override {
    auto inner = op.getX().getDefiningOp<nn::SliceOp>();
    if (!inner || elementsOf(op.getY()) == 0) return failure();
    std::vector<int64_t> starts, steps;
    for (size_t i = 0; i < op.getStarts().size(); ++i) {
      starts.push_back(inner.getStarts()[i] + op.getStarts()[i] * inner.getSteps()[i]);
      steps.push_back(op.getSizes()[i] == 1 ? 1 : inner.getSteps()[i] * op.getSteps()[i]);
    }
    return replaceWithNew(rewriter, op, "slice", {inner.getX()},
                          attrs(op).ints("starts", starts).ints("sizes", op.getSizes()).ints("steps", steps));
  }
};

// concat of adjacent slices that together are x = x
struct JoinSlices : OpRewritePattern<nn::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ConcatOp op, PatternRewriter& rewriter) const override {
    auto first = op.getXs()[0].getDefiningOp<nn::SliceOp>();
    if (!first || first.getX().getType() != op.getY().getType()) return failure();
    const size_t axis = op.getAxis();
    int64_t next = 0;
    for (Value x : op.getXs()) {
      auto slice = x.getDefiningOp<nn::SliceOp>();
      if (!slice || slice.getX() != first.getX()) return failure();
      for (size_t i = 0; i < slice.getStarts().size(); ++i) {
        if (slice.getStarts()[i] != (i == axis ? next : 0) || slice.getSteps()[i] != 1) return failure();
      }
      next += slice.getSizes()[axis];
    }
    return forwardTo(rewriter, op, first.getX());
  }
};

// gather along an axis by evenly spaced constant indices = slice (and a reshape where the index is a scalar)
struct GatherToSlice : OpRewritePattern<nn::GatherOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::GatherOp op, PatternRewriter& rewriter) const override {
    std::vector<int64_t> index = nn::constantInts(op.getIndex());
    int64_t axis = op.getAxis(), length = shapeOf(op.getX())[axis];
    if (index.empty() || rankOf(op.getIndex()) > 1) return failure();
    for (int64_t& i : index) {
      if (i < -length || i >= length) return failure();
      if (i < 0) i += length;
    }
    int64_t step = index.size() > 1 ? index[1] - index[0] : 1;
    for (size_t i = 1; i < index.size(); ++i)
      if (step == 0 || index[i] - index[i - 1] != step) return failure();
    std::vector<int64_t> starts(rankOf(op.getX()), 0), steps(starts.size(), 1), sizes(shapeOf(op.getX()));
    starts[axis] = index[0], steps[axis] = step, sizes[axis] = static_cast<int64_t>(index.size());
    nn::AttrList slice = attrs(op).ints("starts", starts).ints("sizes", sizes).ints("steps", steps);
    if (rankOf(op.getIndex()) == 1) return replaceWithNew(rewriter, op, "slice", {op.getX()}, slice);
    rewriter.setInsertionPoint(op);
    Operation* part = makeOp(rewriter, "slice", {op.getX()}, slice, op);
    return part ? replaceWithNew(rewriter, op, "reshape", part->getResults(),
                                 attrs(op).ints("shape", shapeOf(op.getY())))
                : failure();
  }
};
} // namespace

void addSlicePatterns(RewritePatternSet& patterns) {
  patterns.add<FlattenConcat, SliceOfConcat, MergeSlices, JoinSlices, GatherToSlice>(patterns.getContext());
}

} // namespace burin::rewrites
