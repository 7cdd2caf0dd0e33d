// What is left of batch norms once their neighbours have taken what they can.
#include "lib/prepare/affine.h"

#include <cmath>

using namespace mlir;

namespace burin::rewrites {

namespace {
std::optional<std::vector<float>> finiteFloats(ArrayRef<double> values) {
  std::vector<float> out(values.begin(), values.end());
  for (float v : out)
    if (!std::isfinite(v)) return std::nullopt;
  return out;
}

LogicalResult replaceByDepthwise(PatternRewriter& rewriter, Operation* op, Value x,
                                 const ChannelAffine& affine) {
  auto weights = finiteFloats(affine.scale), shift = finiteFloats(affine.shift);
  if (!weights || !shift) return failure();
  int64_t channels = shapeOf(x)[1], spatial = rankOf(x) - 2;
  std::vector<int64_t> shape(spatial + 2, 1), ones(spatial, 1), pads(2 * spatial, 0);
  shape[0] = channels;
  rewriter.setInsertionPoint(op);
  Value w = floatConstant(rewriter, *weights, shape), b = floatConstant(rewriter, *shift, {channels});
  return replaceWithNew(
      rewriter, op, "conv", {x, w, b},
      attrs(op).ints("strides", ones).ints("dilations", ones).ints("pads", pads).i("groups", channels));
}

bool isImage(Value x) { return isF32(x) && rankOf(x) >= 3 && rankOf(x) <= 5 && shapeOf(x)[1] > 0; }

// s x + t per channel of an image = depthwise 1x1 convolution with weights s and bias t.
struct BatchNormToDepthwise : OpRewritePattern<nn::BatchNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BatchNormOp op, PatternRewriter& rewriter) const override {
    if (!isImage(op.getX())) return failure();
    auto affine = readAffine(op, op.getX(), 1, shapeOf(op.getX())[1]);
    return affine ? replaceByDepthwise(rewriter, op, op.getX(), *affine) : failure();
  }
};

// s x + t per channel of a matrix [N,C] = mul and add.
struct BatchNormToMulAdd : OpRewritePattern<nn::BatchNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BatchNormOp op, PatternRewriter& rewriter) const override {
    if (!isF32(op.getX()) || rankOf(op.getX()) != 2) return failure();
    int64_t channels = shapeOf(op.getX())[1];
    auto affine = readAffine(op, op.getX(), 1, channels);
    if (!affine) return failure();
    auto scale = finiteFloats(affine->scale), shift = finiteFloats(affine->shift);
    if (!scale || !shift) return failure();
    rewriter.setInsertionPoint(op);
    Value s = floatConstant(rewriter, *scale, {channels}), t = floatConstant(rewriter, *shift, {channels});
    Operation* product = makeOp(rewriter, "binary", {op.getX(), s}, attrs(op).s("fn", "mul"), op);
    return product
               ? replaceWithNew(rewriter, op, "binary", {product->getResult(0), t}, attrs(op).s("fn", "add"))
               : failure();
  }
};

// (x * s) + t with constants per channel, at least one of them no scalar = depthwise 1x1 convolution.
struct MulAddToDepthwise : OpRewritePattern<nn::BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BinaryOp op, PatternRewriter& rewriter) const override {
    Value product = affineSource(op);
    if (!product || !product.hasOneUse() || !isImage(product)) return failure();
    Operation* inner = product.getDefiningOp();
    Value x = inner ? affineSource(inner) : Value();
    if (!x || !isa<nn::BinaryOp>(inner) || !isImage(x)) return failure();
    int64_t channels = shapeOf(x)[1];
    auto first = readAffine(inner, x, 1, channels), second = readAffine(op, product, 1, channels);
    if (!first || !second) return failure();
    bool uniform = llvm::all_equal(first->scale) && llvm::all_equal(first->shift) &&
                   llvm::all_equal(second->scale) && llvm::all_equal(second->shift);
    return uniform ? failure() : replaceByDepthwise(rewriter, op, x, first->then(*second));
  }
};
} // namespace

void addBatchNormPatterns(RewritePatternSet& patterns) {
  patterns.add<BatchNormToDepthwise, BatchNormToMulAdd, MulAddToDepthwise>(patterns.getContext());
}

} // namespace burin::rewrites
