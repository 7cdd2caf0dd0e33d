// Normalisations and softmax that were written out become one op.
#include "lib/prepare/rewrite.h"

using namespace mlir;

namespace burin::rewrites {

namespace {
struct Mean {
  Value x;
  ArrayRef<int64_t> axes;
};

// Mean over trailing axes, which stay with length 1.
std::optional<Mean> readMean(Value v) {
  Operation* op = producer(v, "reduce");
  if (!op || functionOf(op) != "mean" || !flagOf(op, "keep_dims") || !isF32(v)) return std::nullopt;
  ArrayRef<int64_t> axes = intsOf(op, "axes");
  int64_t first = rankOf(op->getOperand(0)) - static_cast<int64_t>(axes.size());
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i] != first + static_cast<int64_t>(i)) return std::nullopt;
  return axes.empty() ? std::nullopt : std::optional<Mean>(Mean{op->getOperand(0), axes});
}

// mean(d^2) + epsilon
struct Variance {
  Value d;
  ArrayRef<int64_t> axes;
  double epsilon = 0;
};
std::optional<Variance> readVariance(Value v) {
  Operation* sum = producer(v, "binary");
  if (!isBinary(sum, "add")) return std::nullopt;
  auto scalar = scalarOperand(sum);
  if (!scalar) return std::nullopt;
  auto mean = readMean(scalar->x);
  Operation* square = mean ? producer(mean->x, "unary") : nullptr;
  if (!square || !isUnary(square, "square") || !(scalar->constant >= 0)) return std::nullopt;
  return Variance{square->getOperand(0), mean->axes, scalar->constant};
}

// d / sqrt(v) or d * rsqrt(v)
bool readQuotient(Operation* op, Value& d, Value& v) {
  if (isBinary(op, "div")) {
    Operation* root = producer(op->getOperand(1), "unary");
    if (!isUnary(root, "sqrt")) return false;
    d = op->getOperand(0), v = root->getOperand(0);
    return true;
  }
  if (!isBinary(op, "mul")) return false;
  for (int side : {0, 1})
    if (Operation* root = producer(op->getOperand(side), "unary"); isUnary(root, "rsqrt")) {
      d = op->getOperand(1 - side), v = root->getOperand(0);
      return true;
    }
  return false;
}

// (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) = layer_norm(x), or group_norm over each channel's
// image; x / sqrt(mean(x^2) + epsilon) = layer_norm(x) with rms
struct NameNorm : OpRewritePattern<nn::BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BinaryOp op, PatternRewriter& rewriter) const override {
    Value d, v;
    if (!readQuotient(op, d, v)) return failure();
    auto variance = readVariance(v);
    if (!variance || variance->d != d) return failure();
    rewriter.setInsertionPoint(op);
    Value none = nn::NoneOp::create(rewriter, rewriter.getUnknownLoc(), rewriter.getNoneType());
    nn::AttrList attributes = attrs(op);
    attributes.f("epsilon", static_cast<float>(variance->epsilon));
    Operation* difference = producer(d, "binary");
    auto mean = isBinary(difference, "sub") ? readMean(difference->getOperand(1)) : std::nullopt;
    bool centred = mean && mean->x == difference->getOperand(0) && mean->axes == variance->axes;
    Value x = centred ? mean->x : d;
    if (!centred) attributes.b("rms", true);
    if (centred && rankOf(x) >= 4 && variance->axes.front() == 2)
      return replaceWithNew(rewriter, op, "group_norm", {x, none, none},
                            attributes.i("groups", shapeOf(x)[1]));
    return replaceWithNew(rewriter, op, "layer_norm", {x, none, none},
                          attributes.i("axis", variance->axes.front()));
  }
};

// A constant along the normalised axes only: its values without leading ones.
Value alongAxes(PatternRewriter& rewriter, Operation* norm, Value constant) {
  int64_t rank = rankOf(norm->getResult(0)), axis = intOf(norm, "axis"), lead = rank - rankOf(constant);
  if (!isConstantF32(constant) || lead < 0) return {};
  std::vector<int64_t> shape;
  for (auto [i, d] : llvm::enumerate(shapeOf(constant))) {
    bool normalised = static_cast<int64_t>(i) + lead >= axis;
    if (!normalised && d != 1) return {};
    if (normalised) shape.push_back(d);
  }
  auto type = RankedTensorType::get(shape, rewriter.getF32Type());
  if (type == constant.getType()) return constant;
  return bytesConstant(rewriter, type, nn::constantBytes(constant),
                       constant.hasOneUse() ? nn::valueName(constant) : std::string());
}

// A constant per channel (axis 1) only: its values as [C].
Value alongChannels(PatternRewriter& rewriter, Operation* norm, Value constant) {
  ArrayRef<int64_t> shape = shapeOf(norm->getResult(0));
  int64_t lead = static_cast<int64_t>(shape.size()) - rankOf(constant);
  if (!isConstantF32(constant) || elementsOf(constant) != shape[1] || lead < 0) return {};
  for (auto [i, d] : llvm::enumerate(shapeOf(constant)))
    if (d != 1 && static_cast<int64_t>(i) + lead != 1) return {};
  auto type = RankedTensorType::get({shape[1]}, rewriter.getF32Type());
  return bytesConstant(rewriter, type, nn::constantBytes(constant),
                       constant.hasOneUse() ? nn::valueName(constant) : std::string());
}

// norm(x) * s = norm(x; scale s), norm(x; scale) + b = norm(x; scale, b)
struct AffineIntoNorm : OpRewritePattern<nn::BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BinaryOp op, PatternRewriter& rewriter) const override {
    bool multiplies = isBinary(op, "mul");
    if (!multiplies && !isBinary(op, "add")) return failure();
    for (int side : {0, 1}) {
      Value y = op->getOperand(side);
      Operation* norm = y.getDefiningOp();
      if (!isa_and_nonnull<nn::LayerNormOp, nn::GroupNormOp>(norm) || !y.hasOneUse() ||
          y.getType() != op.getY().getType())
        continue;
      bool free = isNone(norm->getOperand(2)) && (!multiplies || isNone(norm->getOperand(1)));
      if (!free) continue;
      rewriter.setInsertionPoint(norm);
      Value other = op->getOperand(1 - side);
      Value constant = isa<nn::LayerNormOp>(norm) ? alongAxes(rewriter, norm, other)
                                                  : alongChannels(rewriter, norm, other);
      if (!constant) continue;
      if (constant == other) other.getDefiningOp()->moveBefore(norm);
      rewriter.modifyOpInPlace(norm, [&] {
        norm->setOperand(multiplies ? 1 : 2, constant);
        takeName(norm, op);
      });
      rewriter.replaceOp(op, y);
      return success();
    }
    return failure();
  }
};
// `value`'s op if it is that reduction over one axis, which stays with length 1.
Operation* reductionOverOne(Value value, StringRef fn) {
  Operation* op = producer(value, "reduce");
  bool fits = op && functionOf(op) == fn && flagOf(op, "keep_dims") && intsOf(op, "axes").size() == 1;
  return fits ? op : nullptr;
}

// exp(x) / sum(exp(x)) = softmax(x), and softmax(x - max(x)) = softmax(x)
struct NameSoftmax : OpRewritePattern<nn::BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BinaryOp op, PatternRewriter& rewriter) const override {
    if (!isBinary(op, "div")) return failure();
    Operation *power = producer(op.getA(), "unary"), *sum = reductionOverOne(op.getB(), "sum");
    if (!isUnary(power, "exp") || !sum || sum->getOperand(0) != op.getA()) return failure();
    Value x = power->getOperand(0);
    Operation* difference = producer(x, "binary");
    if (isBinary(difference, "sub"))
      if (Operation* top = reductionOverOne(difference->getOperand(1), "max");
          top && top->getOperand(0) == difference->getOperand(0) &&
          intsOf(top, "axes") == intsOf(sum, "axes"))
        x = top->getOperand(0);
    rewriter.setInsertionPoint(op);
    return replaceWithNew(rewriter, op, "softmax", {x}, attrs(op).i("axis", intsOf(sum, "axes")[0]));
  }
};
} // namespace

void addNormPatterns(RewritePatternSet& patterns) {
  patterns.add<NameNorm, AffineIntoNorm, NameSoftmax>(patterns.getContext());
}

} // namespace burin::rewrites
