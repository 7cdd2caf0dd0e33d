// Batch norm and per-channel constants go into the weights of the convolution or matrix product beside them.
#include "lib/prepare/affine.h"

#include <cmath>

using namespace mlir;

namespace burin::rewrites {

namespace {
// Weights as [outer, channels, inner]: output channel of (o, c, i) is o / outerPerGroup * channels + c.
struct WeightView {
  int64_t outer = 1, channels = 1, inner = 1, outerPerGroup = 1;
  int64_t outputs() const { return outer / std::max<int64_t>(outerPerGroup, 1) * channels; }
};

std::optional<WeightView> outputView(Operation* op) {
  ArrayRef<int64_t> w = shapeOf(op->getOperand(1));
  int64_t elements = elementsOf(op->getOperand(1));
  if (elements == 0) return std::nullopt;
  if (isa<nn::ConvOp>(op)) return WeightView{1, w[0], elements / w[0], 1};
  if (isa<nn::ConvTransposeOp>(op))
    return WeightView{w[0], w[1], elements / (w[0] * w[1]), w[0] / intOf(op, "groups", 1)};
  if (w.size() < 2 || rankOf(op->getOperand(0)) < 2) return std::nullopt;
  bool transposed = flagOf(op, "trans_b");
  int64_t columns = w[w.size() - (transposed ? 2 : 1)], inner = transposed ? w.back() : 1,
          outer = elements / (columns * inner);
  return WeightView{outer, columns, inner, outer};
}

int64_t outputAxis(Operation* op) { return isa<nn::MatMulOp>(op) ? rankOf(op->getResult(0)) - 1 : 1; }
int64_t inputAxis(Operation* op) { return isa<nn::MatMulOp>(op) ? rankOf(op->getOperand(0)) - 1 : 1; }

// Weights and bias that this op may replace by its own.
bool hasConstantWeights(Operation* op) {
  Value bias = op->getOperand(2);
  return isF32(op->getResult(0)) && isConstantF32(op->getOperand(1)) && (isNone(bias) || isConstantF32(bias));
}

std::optional<std::vector<float>> rounded(ArrayRef<double> values) {
  std::vector<float> out(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    out[i] = static_cast<float>(values[i]);
    if (!std::isfinite(out[i])) return std::nullopt;
  }
  return out;
}

std::vector<double> biasOf(Operation* op, int64_t outputs) {
  std::vector<double> bias(outputs, 0.0);
  std::vector<float> given = nn::constantFloats(op->getOperand(2));
  for (int64_t i = 0; i < outputs && !given.empty(); ++i) bias[i] = given.size() == 1 ? given[0] : given[i];
  return bias;
}

// A new constant in the place of an operand; other users of the old one keep it, and its name.
Value remade(PatternRewriter& rewriter, Operation* op, Value old, ArrayRef<float> values,
             ArrayRef<int64_t> shape) {
  rewriter.setInsertionPoint(op);
  return floatConstant(rewriter, values, shape,
                       !isNone(old) && old.hasOneUse() ? nn::valueName(old) : std::string());
}

LogicalResult setWeights(PatternRewriter& rewriter, Operation* op, ArrayRef<float> weights,
                         ArrayRef<double> bias) {
  auto newBias = rounded(bias);
  for (float v : weights)
    if (!std::isfinite(v)) return failure();
  if (!newBias) return failure();
  Value w = op->getOperand(1), b = op->getOperand(2);
  bool needsBias = !isNone(b) || llvm::any_of(bias, [](double v) { return v != 0; });
  Value newW = weights.empty() ? w : remade(rewriter, op, w, weights, shapeOf(w));
  Value newB = needsBias ? remade(rewriter, op, b, *newBias, {static_cast<int64_t>(bias.size())}) : b;
  rewriter.modifyOpInPlace(op, [&] {
    op->setOperand(1, newW);
    op->setOperand(2, newB);
  });
  return success();
}

// s * (W x + b) + t = (s W) x + (s b + t), for a whole chain of such ops, so that weights are rewritten once.
template <class Op>
struct FoldScaleIntoProducer : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter& rewriter) const override {
    if (!hasConstantWeights(op) || op->hasAttr("lo") || op->hasAttr("hi")) return failure();
    auto view = outputView(op);
    if (!view) return failure();
    ChannelAffine total = ChannelAffine::identity(view->outputs());
    SmallVector<Operation*> chain;
    Value last = op->getResult(0);
    while (last.hasOneUse()) {
      auto step = readAffine(*last.user_begin(), last, outputAxis(op), view->outputs());
      if (!step) break;
      total = total.then(*step);
      chain.push_back(*last.user_begin());
      last = chain.back()->getResult(0);
    }
    if (chain.empty() || failed(apply(op, total, *view, rewriter))) return failure();
    rewriter.modifyOpInPlace(op, [&] { takeName(op, chain.back()); });
    rewriter.replaceAllUsesWith(last, op->getResult(0));
    for (Operation* dead : llvm::reverse(chain)) rewriter.eraseOp(dead);
    return success();
  }

  static LogicalResult apply(Operation* op, const ChannelAffine& total, const WeightView& view,
                             PatternRewriter& rewriter) {
    std::vector<float> weights;
    if (!total.scalesNothing()) {
      weights = nn::constantFloats(op->getOperand(1));
      if (weights.empty()) return failure();
      float* w = weights.data();
      for (int64_t o = 0; o < view.outer; ++o)
        for (int64_t c = 0; c < view.channels; ++c) {
          const double scale = total.scale[o / view.outerPerGroup * view.channels + c];
          for (int64_t i = 0; i < view.inner; ++i, ++w) *w = static_cast<float>(*w * scale);
        }
    }
    std::vector<double> bias = biasOf(op, view.outputs());
    for (size_t c = 0; c < bias.size(); ++c) bias[c] = bias[c] * total.scale[c] + total.shift[c];
    return setWeights(rewriter, op, weights, bias);
  }
};

// Input channel and output channel of each weight.
struct WeightIndex {
  int64_t input, output;
};
template <class Visit>
void forEachWeight(Operation* op, Visit visit) {
  ArrayRef<int64_t> w = shapeOf(op->getOperand(1));
  int64_t elements = elementsOf(op->getOperand(1)), groups = intOf(op, "groups", 1);
  if (isa<nn::ConvOp>(op)) {
    int64_t taps = elements / (w[0] * w[1]), perGroup = w[0] / groups;
    for (int64_t i = 0; i < elements; ++i) {
      int64_t output = i / (w[1] * taps);
      visit(i, WeightIndex{output / perGroup * w[1] + i / taps % w[1], output});
    }
  } else if (isa<nn::ConvTransposeOp>(op)) {
    int64_t taps = elements / (w[0] * w[1]), perGroup = w[0] / groups;
    for (int64_t i = 0; i < elements; ++i) {
      int64_t input = i / (w[1] * taps);
      visit(i, WeightIndex{input, input / perGroup * w[1] + i / taps % w[1]});
    }
  } else {
    bool transposed = flagOf(op, "trans_b");
    int64_t rows = w[w.size() - 2], columns = w.back();
    for (int64_t i = 0; i < elements; ++i) {
      int64_t row = i / columns % rows, column = i % columns;
      visit(i, transposed ? WeightIndex{column, row} : WeightIndex{row, column});
    }
  }
}

// W (s x + t) + b = (W s) x + (b + W t). A shift needs every output to see all weights: no padding, and not
// the scattered taps of a transposed convolution.
template <class Op>
struct FoldScaleIntoConsumer : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter& rewriter) const override {
    auto view = outputView(op);
    if (!hasConstantWeights(op) || !view || flagOf(op, "trans_a")) return failure();
    Value x = op->getOperand(0);
    Operation* before = x.getDefiningOp();
    if (!before || !x.hasOneUse() || isa<nn::InputOp>(before) || before->getNumOperands() == 0)
      return failure();
    Value source = affineSource(before);
    if (!source) return failure();
    auto affine = readAffine(before, source, inputAxis(op), shapeOf(x)[inputAxis(op)]);
    if (!affine || (!affine->shiftsNothing() && !mayShift(op))) return failure();
    std::vector<float> weights = nn::constantFloats(op->getOperand(1));
    if (weights.empty()) return failure();
    std::vector<double> bias = biasOf(op, view->outputs());
    forEachWeight(op, [&](int64_t i, WeightIndex at) {
      bias[at.output] += weights[i] * affine->shift[at.input];
      weights[i] = static_cast<float>(weights[i] * affine->scale[at.input]);
    });
    if (failed(setWeights(rewriter, op, weights, bias))) return failure();
    rewriter.modifyOpInPlace(op, [&] { op->setOperand(0, source); });
    rewriter.eraseOp(before);
    return success();
  }

  static bool mayShift(Operation* op) {
    if (isa<nn::ConvTransposeOp>(op)) return false;
    if (isa<nn::MatMulOp>(op)) return rankOf(op->getOperand(1)) == 2;
    return llvm::all_of(intsOf(op, "pads"), [](int64_t p) { return p == 0; });
  }
};
} // namespace

void addScalePatterns(RewritePatternSet& patterns) {
  MLIRContext* c = patterns.getContext();
  patterns.add<FoldScaleIntoProducer<nn::ConvOp>, FoldScaleIntoProducer<nn::ConvTransposeOp>,
               FoldScaleIntoProducer<nn::MatMulOp>>(c, 2);
  patterns.add<FoldScaleIntoConsumer<nn::ConvOp>, FoldScaleIntoConsumer<nn::ConvTransposeOp>,
               FoldScaleIntoConsumer<nn::MatMulOp>>(c, 1);
}

} // namespace burin::rewrites
