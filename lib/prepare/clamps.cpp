// Activations that clamp become the lo and hi of the op that feeds them.
#include "lib/prepare/rewrite.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace burin::rewrites {

namespace {
// Ops with a fused clamp.
bool canClamp(Operation* op) {
  if (!op || !isF32(op->getResult(0))) return false;
  if (isa<nn::ConvOp, nn::ConvTransposeOp, nn::MatMulOp>(op)) return true;
  if (!isa<nn::BinaryOp>(op)) return false;
  StringRef fn = functionOf(op);
  return fn == "add" || fn == "sub" || fn == "mul";
}

void setBound(Operation* op, StringRef name, double value) {
  if (std::isinf(value))
    op->removeAttr(name);
  else
    op->setAttr(name, FloatAttr::get(Float32Type::get(op->getContext()), value));
}

// clamp(clamp(x, a, b), c, d) = clamp(x, clamp(a, c, d), clamp(b, c, d))
void addClamp(Operation* op, Range outer) {
  Range inner = clampOf(op);
  setBound(op, "lo", std::min(std::max(inner.lo, outer.lo), outer.hi));
  setBound(op, "hi", std::min(std::max(inner.hi, outer.lo), outer.hi));
}

std::optional<Range> usableClamp(Operation* op, Value& x) {
  auto range = readClamp(op, x);
  // Written so that NaN bounds are refused too.
  if (!range || !(range->lo <= range->hi)) return std::nullopt;
  return range;
}

// clamp(f(x)) = f with lo and hi, which takes the activation's tensor name.
struct FuseClamp : RewritePattern {
  FuseClamp(StringRef root, MLIRContext* context) : RewritePattern(root, 2, context) {}
  LogicalResult matchAndRewrite(Operation* op, PatternRewriter& rewriter) const override {
    Value x;
    auto range = usableClamp(op, x);
    Operation* source = range ? x.getDefiningOp() : nullptr;
    if (!canClamp(source) || !x.hasOneUse()) return failure();
    rewriter.modifyOpInPlace(source, [&] {
      addClamp(source, *range);
      takeName(source, op);
    });
    rewriter.replaceOp(op, x);
    return success();
  }
};

// Ops whose results are some of their operand's values, so that a clamp may come before or after.
bool selectsValues(Operation* op) {
  if (isa<nn::ReshapeOp, nn::TransposeOp, nn::SliceOp, nn::DepthToSpaceOp, nn::SpaceToDepthOp>(op))
    return true;
  if (!isa<nn::MaxPoolOp>(op)) return false;
  // A window that lies in the padding has no value of the operand.
  ArrayRef<int64_t> kernel = intsOf(op, "kernel"), pads = intsOf(op, "pads");
  for (size_t i = 0; i < pads.size(); ++i)
    if (pads[i] >= kernel[i % kernel.size()]) return false;
  return true;
}

// clamp(select(f(x))) = select(clamp(f(x))) where select is a maximum or a movement and f has a fused clamp.
struct HoistClamp : RewritePattern {
  HoistClamp(StringRef root, MLIRContext* context) : RewritePattern(root, 1, context) {}
  LogicalResult matchAndRewrite(Operation* op, PatternRewriter& rewriter) const override {
    Value x;
    auto range = usableClamp(op, x);
    if (!range) return failure();
    Operation* last = x.getDefiningOp();
    Operation* source = last;
    for (Value v = x; source && v.hasOneUse() && selectsValues(source); source = v.getDefiningOp())
      v = source->getOperand(0);
    if (source == last || !canClamp(source) || !source->getResult(0).hasOneUse() || !x.hasOneUse())
      return failure();
    rewriter.modifyOpInPlace(source, [&] { addClamp(source, *range); });
    rewriter.modifyOpInPlace(last, [&] { takeName(last, op); });
    rewriter.replaceOp(op, x);
    return success();
  }
};

// clamp(x) = x where the graph says that x lies within the bounds.
struct DropClamp : RewritePattern {
  DropClamp(StringRef root, MLIRContext* context) : RewritePattern(root, 4, context) {}
  LogicalResult matchAndRewrite(Operation* op, PatternRewriter& rewriter) const override {
    Value x;
    auto range = usableClamp(op, x);
    if (!range) return failure();
    Range known = knownRange(x);
    return known.lo >= range->lo && known.hi <= range->hi ? forwardTo(rewriter, op, x) : failure();
  }
};

// clamp(clamp(x)) = one clip, where nothing else reads the inner one.
struct MergeClamps : RewritePattern {
  MergeClamps(StringRef root, MLIRContext* context) : RewritePattern(root, 3, context) {}
  LogicalResult matchAndRewrite(Operation* op, PatternRewriter& rewriter) const override {
    Value middle, x;
    auto outer = usableClamp(op, middle);
    if (!outer || !middle.hasOneUse()) return failure();
    auto inner = usableClamp(middle.getDefiningOp(), x);
    if (!inner) return failure();
    double lo = std::min(std::max(inner->lo, outer->lo), outer->hi),
           hi = std::min(std::max(inner->hi, outer->lo), outer->hi);
    nn::AttrList attributes = attrs(op);
    if (lo == 0 && std::isinf(hi))
      attributes.s("fn", "relu");
    else
      attributes.s("fn", "clip").f("alpha", static_cast<float>(lo)).f("beta", static_cast<float>(hi));
    return replaceWithNew(rewriter, op, "unary", {x}, attributes);
  }
};
} // namespace

void addClampPatterns(RewritePatternSet& patterns) {
  for (StringRef root : {nn::UnaryOp::getOperationName(), nn::BinaryOp::getOperationName()}) {
    patterns.add<DropClamp>(root, patterns.getContext());
    patterns.add<MergeClamps>(root, patterns.getContext());
    patterns.add<FuseClamp>(root, patterns.getContext());
    patterns.add<HoistClamp>(root, patterns.getContext());
  }
}

} // namespace burin::rewrites
