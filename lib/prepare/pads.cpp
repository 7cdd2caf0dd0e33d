// Zero padding goes into the window of the convolution or pooling that reads it.
#include "lib/prepare/rewrite.h"

using namespace mlir;

namespace burin::rewrites {

namespace {
// The spatial part (begin[s], end[s]) of a constant pad that adds `value` around images.
struct ImagePad {
  Value x;
  float value = 0;
  std::vector<int64_t> pads;
};

std::optional<ImagePad> readPad(Value value) {
  Operation* op = producer(value, "pad");
  if (!op || textOf(op, "mode") != "constant" || !isF32(value) || rankOf(value) < 3) return std::nullopt;
  ArrayRef<int64_t> all = intsOf(op, "pads");
  const size_t rank = all.size() / 2;
  ImagePad pad{op->getOperand(0), 0, {}};
  if (auto fill = op->getAttrOfType<FloatAttr>("value"))
    pad.value = static_cast<float>(fill.getValueAsDouble());
  for (size_t i = 0; i < all.size(); ++i) {
    bool spatial = i % rank >= 2;
    if (all[i] < 0 || (!spatial && all[i] != 0)) return std::nullopt;
    if (spatial) pad.pads.push_back(all[i]);
  }
  return pad;
}

std::vector<int64_t> sum(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  std::vector<int64_t> out(std::max(a.size(), b.size()), 0);
  for (size_t i = 0; i < a.size(); ++i) out[i] += a[i];
  for (size_t i = 0; i < b.size(); ++i) out[i] += b[i];
  return out;
}

void absorb(PatternRewriter& rewriter, Operation* op, const ImagePad& pad) {
  rewriter.modifyOpInPlace(op, [&] {
    op->setAttr("pads", DenseI64ArrayAttr::get(op->getContext(), sum(intsOf(op, "pads"), pad.pads)));
    op->setOperand(0, pad.x);
  });
}

// conv(pad0(x)) = conv with more pads
struct FusePadIntoConv : OpRewritePattern<nn::ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter& rewriter) const override {
    auto pad = readPad(op.getX());
    if (!pad || pad->value != 0) return failure();
    absorb(rewriter, op, *pad);
    return success();
  }
};

// max_pool(pad(x)) = max_pool with more pads, where the fill never wins: it is below every value, and every
// window still holds a value.
struct FusePadIntoMaxPool : OpRewritePattern<nn::MaxPoolOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::MaxPoolOp op, PatternRewriter& rewriter) const override {
    constexpr float kLowest = -3e38f;
    auto pad = readPad(op.getX());
    if (!pad) return failure();
    std::vector<int64_t> total = sum(op.getPads(), pad->pads);
    ArrayRef<int64_t> kernel = op.getKernel();
    for (size_t i = 0; i < total.size(); ++i)
      if (total[i] >= kernel[i % kernel.size()] || op.getDilations()[i % kernel.size()] != 1)
        return failure();
    if (pad->value > kLowest && knownRange(pad->x).lo < pad->value) return failure();
    absorb(rewriter, op, *pad);
    return success();
  }
};

// avg_pool(pad0(x)) = avg_pool with more pads that count, if its own padding counts or is absent
struct FusePadIntoAvgPool : OpRewritePattern<nn::AvgPoolOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::AvgPoolOp op, PatternRewriter& rewriter) const override {
    auto pad = readPad(op.getX());
    bool ownPads = llvm::any_of(op.getPads(), [](int64_t p) { return p != 0; });
    if (!pad || pad->value != 0 || (ownPads && !flagOf(op, "count_include_pad"))) return failure();
    absorb(rewriter, op, *pad);
    rewriter.modifyOpInPlace(op, [&] { op->setAttr("count_include_pad", rewriter.getBoolAttr(true)); });
    return success();
  }
};
} // namespace

void addPadPatterns(RewritePatternSet& patterns) {
  patterns.add<FusePadIntoConv, FusePadIntoMaxPool, FusePadIntoAvgPool>(patterns.getContext());
}

} // namespace burin::rewrites
