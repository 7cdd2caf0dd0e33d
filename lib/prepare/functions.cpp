// Elementary functions that were written out become one op.
#include "lib/prepare/polynomial.h"

#include <cmath>

using namespace mlir;

namespace burin::rewrites {

namespace {
LogicalResult becomeUnary(PatternRewriter& rewriter, Operation* op, Value x, StringRef fn) {
  return x ? replaceWithNew(rewriter, op, "unary", {x}, attrs(op).s("fn", fn)) : failure();
}

// x where v = c + exp(s x).
Value argumentOfOnePlusExp(Value v, double sign) {
  Operation* sum = v.getDefiningOp();
  if (!isBinary(sum, "add")) return {};
  auto scalar = scalarOperand(sum);
  Operation* exp = scalar && scalar->constant == 1 ? producer(scalar->x, "unary") : nullptr;
  if (!isUnary(exp, "exp")) return {};
  Value argument = exp->getOperand(0);
  if (sign > 0) return argument;
  if (Operation* neg = producer(argument, "unary"); isUnary(neg, "neg")) return neg->getOperand(0);
  Operation* product = producer(argument, "binary");
  auto factor = isBinary(product, "mul") ? scalarOperand(product) : std::nullopt;
  return factor && factor->constant == -1 ? factor->x : Value();
}

// 1 / (1 + exp(-x)) = sigmoid(x), log(1 + exp(x)) = softplus(x)
struct NameLogistic : OpRewritePattern<nn::UnaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::UnaryOp op, PatternRewriter& rewriter) const override {
    if (!isF32(op.getX())) return failure();
    if (op.getFn() == "reciprocal")
      return becomeUnary(rewriter, op, argumentOfOnePlusExp(op.getX(), -1), "sigmoid");
    if (op.getFn() == "log") return becomeUnary(rewriter, op, argumentOfOnePlusExp(op.getX(), 1), "softplus");
    return failure();
  }
};

// k * clip(a x + b, 0, 1/k) = hard_sigmoid(x; k a, k b)
struct NameHardSigmoid : OpRewritePattern<nn::BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BinaryOp op, PatternRewriter& rewriter) const override {
    auto scalar = scalarOperand(op);
    bool divides = isBinary(op, "div");
    if (!scalar || (!divides && !isBinary(op, "mul")) || (divides && scalar->constantFirst)) return failure();
    double k = divides ? 1 / scalar->constant : scalar->constant;
    auto clamp = readFullClamp(scalar->x);
    if (!clamp || clamp->range.lo != 0 || !nearlyEqual(clamp->range.hi * k, 1)) return failure();
    Value x = affineRoot(clamp->x);
    auto argument = polynomialIn(clamp->x, x);
    if (!argument || argument->degree() != 1) return failure();
    return replaceWithNew(rewriter, op, "unary", {x},
                          attrs(op)
                              .s("fn", "hard_sigmoid")
                              .f("alpha", static_cast<float>((*argument)[1] * k))
                              .f("beta", static_cast<float>((*argument)[0] * k)));
  }
};

// clip(a x + b, 0, 1) = hard_sigmoid(x; a, b), unless the sum can go into the weights of what makes x
struct NameHardSigmoidOfClip : OpRewritePattern<nn::UnaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::UnaryOp op, PatternRewriter& rewriter) const override {
    auto clamp = op.getFn() == "clip" ? readFullClamp(op.getY()) : std::nullopt;
    if (!clamp || clamp->range.lo != 0 || clamp->range.hi != 1) return failure();
    Value x = affineRoot(clamp->x);
    bool weighted = producer(x, "conv") || producer(x, "conv_transpose") || producer(x, "matmul") ||
                    producer(x, "batch_norm");
    auto argument = polynomialIn(clamp->x, x);
    if (x == clamp->x || (weighted && x.hasOneUse()) || !argument || argument->degree() != 1)
      return failure();
    return replaceWithNew(rewriter, op, "unary", {x},
                          attrs(op)
                              .s("fn", "hard_sigmoid")
                              .f("alpha", static_cast<float>((*argument)[1]))
                              .f("beta", static_cast<float>((*argument)[0])));
  }
};

// max(x, a x) = leaky_relu(x; a) for 0 <= a <= 1
struct NameLeakyRelu : OpRewritePattern<nn::BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BinaryOp op, PatternRewriter& rewriter) const override {
    if (!isBinary(op, "max")) return failure();
    for (int side : {0, 1}) {
      Operation* product = producer(op->getOperand(side), "binary");
      auto scalar = isBinary(product, "mul") ? scalarOperand(product) : std::nullopt;
      if (!scalar || scalar->x != op->getOperand(1 - side) || scalar->constant < 0 || scalar->constant > 1)
        continue;
      return replaceWithNew(rewriter, op, "unary", {scalar->x},
                            attrs(op).s("fn", "leaky_relu").f("alpha", static_cast<float>(scalar->constant)));
    }
    return failure();
  }
};

// prelu(x, a) with the same slope everywhere = leaky_relu(x; a)
struct UniformPrelu : OpRewritePattern<nn::BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BinaryOp op, PatternRewriter& rewriter) const override {
    auto scalar = isBinary(op, "prelu") ? scalarOperand(op) : std::nullopt;
    if (!scalar || scalar->constantFirst) return failure();
    return replaceWithNew(rewriter, op, "unary", {scalar->x},
                          attrs(op).s("fn", "leaky_relu").f("alpha", static_cast<float>(scalar->constant)));
  }
};

// A product of one constant and one activation, which may be a quotient or nested once.
struct Scaled {
  Value x, slope; // slope: the constant, null for 1
  double factor = 1;
};
Scaled readScaled(Value v) {
  Scaled out{v, {}, 1};
  for (int depth = 0; depth < 3; ++depth) {
    Operation* op = producer(out.x, "binary");
    if (isUnary(out.x.getDefiningOp(), "neg")) {
      out.x = out.x.getDefiningOp()->getOperand(0), out.factor = -out.factor;
    } else if (isBinary(op, "mul") || isBinary(op, "div")) {
      bool first = nn::isConstant(op->getOperand(0)), divides = functionOf(op) == "div";
      Value c = op->getOperand(first ? 0 : 1);
      auto uniform = uniformConstant(c);
      if (!nn::isConstant(c) || (divides && (first || !uniform)) || (!uniform && out.slope)) return out;
      if (uniform)
        out.factor *= divides ? 1 / *uniform : *uniform;
      else
        out.slope = c;
      out.x = op->getOperand(first ? 1 : 0);
    } else {
      return out;
    }
  }
  return out;
}

// The slope a of f(x) = a * min(x, 0) where v is a * -relu(-x) or a/2 * (x - |x|).
std::optional<Scaled> negativePart(Value v, Value x) {
  Scaled scaled = readScaled(v);
  Operation* op = scaled.x.getDefiningOp();
  if (isUnary(op, "relu") && isUnary(op->getOperand(0).getDefiningOp(), "neg") &&
      op->getOperand(0).getDefiningOp()->getOperand(0) == x)
    return Scaled{x, scaled.slope, -scaled.factor};
  if (isBinary(op, "sub") && op->getOperand(0) == x && isUnary(op->getOperand(1).getDefiningOp(), "abs") &&
      op->getOperand(1).getDefiningOp()->getOperand(0) == x)
    return Scaled{x, scaled.slope, 2 * scaled.factor};
  return std::nullopt;
}

// relu(x) + a * (x - |x|) / 2 = relu(x) - a * relu(-x) = prelu(x, a)
struct NamePrelu : OpRewritePattern<nn::BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BinaryOp op, PatternRewriter& rewriter) const override {
    bool subtracts = isBinary(op, "sub");
    if (!subtracts && !isBinary(op, "add")) return failure();
    for (int side : {0, 1}) {
      Operation* relu = producer(op->getOperand(side), "unary");
      if (!isUnary(relu, "relu") || (subtracts && side == 1)) continue;
      auto negative = negativePart(op->getOperand(1 - side), relu->getOperand(0));
      if (!negative) continue;
      rewriter.setInsertionPoint(op);
      double factor = subtracts ? -negative->factor : negative->factor;
      std::vector<float> slope =
          negative->slope ? nn::constantFloats(negative->slope) : std::vector<float>{1.0f};
      for (float& s : slope) s = static_cast<float>(s * factor);
      Value constant =
          floatConstant(rewriter, slope, negative->slope ? shapeOf(negative->slope) : ArrayRef<int64_t>());
      return replaceWithNew(rewriter, op, "binary", {relu->getOperand(0), constant},
                            attrs(op).s("fn", "prelu"));
    }
    return failure();
  }
};
} // namespace

void addFunctionPatterns(RewritePatternSet& patterns) {
  patterns.add<NameLogistic, NameHardSigmoid, NameHardSigmoidOfClip, NameLeakyRelu, UniformPrelu, NamePrelu>(
      patterns.getContext());
}

} // namespace burin::rewrites
