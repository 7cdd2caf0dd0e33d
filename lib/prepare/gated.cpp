// x times a function of x: silu, mish, hard_swish, gelu. Products are compared as sets of factors, so that
// the order in which an exporter multiplied does not matter.
#include "lib/prepare/polynomial.h"

using namespace mlir;

namespace burin::rewrites {

namespace {
constexpr double kSqrtHalf = 0.70710678118654752440, kSqrtTwoOverPi = 0.79788456080286535588,
                 kGeluCubic = 0.044715;

// constant * leaves[0] * leaves[1] * ...
struct Product {
  double constant = 1;
  SmallVector<Value> leaves;
};

// Splits a product; `whole` is never split.
void split(Value value, Value whole, int depth, Product& out) {
  Operation* op = producer(value, "binary");
  bool multiplies = isBinary(op, "mul"), divides = isBinary(op, "div");
  if (value == whole || depth == 0 || (!multiplies && !divides) ||
      op->getResult(0).getType() != whole.getType()) {
    out.leaves.push_back(value);
    return;
  }
  if (auto scalar = scalarOperand(op); scalar && !(divides && scalar->constantFirst)) {
    out.constant *= divides ? 1 / scalar->constant : scalar->constant;
    split(scalar->x, whole, depth - 1, out);
  } else if (multiplies) {
    split(op->getOperand(0), whole, depth - 1, out);
    split(op->getOperand(1), whole, depth - 1, out);
  } else {
    out.leaves.push_back(value);
  }
}

// The first "unary <fn>" below `value`, through a few scalar operations.
Operation* findUnary(Value value, StringRef fn) {
  value = affineRoot(value);
  Operation* op = value.getDefiningOp();
  return isUnary(op, fn) ? op : nullptr;
}

bool matches(const std::optional<Polynomial>& p, const Polynomial& wanted, double tolerance = 1e-4) {
  if (!p) return false;
  for (size_t i = 0; i < wanted.size(); ++i)
    if (!nearlyEqual((*p)[i], wanted[i], tolerance)) return false;
  return true;
}

// k * gate(x) = (1 + f(inner(x))) / 2
bool isHalfOnePlus(Value gate, double k, StringRef fn, Value x, const Polynomial& inner) {
  Operation* f = findUnary(gate, fn);
  return f && matches(polynomialIn(gate, f->getResult(0)), Polynomial{{0.5 / k, 0.5 / k, 0, 0}}) &&
         matches(polynomialIn(f->getOperand(0), x), inner);
}

// The name of k * x * gate, or "".
StringRef nameOfGated(Value gate, double k, Value x) {
  Operation* op = gate.getDefiningOp();
  if (!op) return {};
  if (nearlyEqual(k, 1)) {
    if (isUnary(op, "sigmoid") && op->getOperand(0) == x) return "silu";
    if (isUnary(op, "hard_sigmoid") && op->getOperand(0) == x &&
        nearlyEqual(unaryParameter(op, false), 1.0 / 6, 1e-4) && unaryParameter(op, true) == 0.5f)
      return "hard_swish";
    if (isUnary(op, "tanh"))
      if (Operation* inner = op->getOperand(0).getDefiningOp();
          isUnary(inner, "softplus") && inner->getOperand(0) == x)
        return "mish";
  }
  if (auto clamp = readFullClamp(gate); clamp && nearlyEqual(k, 1.0 / 6, 1e-4) && clamp->range.lo == 0 &&
                                        clamp->range.hi == 6 &&
                                        matches(polynomialIn(clamp->x, x), Polynomial{{3, 1, 0, 0}}))
    return "hard_swish";
  if (isHalfOnePlus(gate, k, "erf", x, Polynomial{{0, kSqrtHalf, 0, 0}})) return "gelu";
  if (isHalfOnePlus(gate, k, "tanh", x, Polynomial{{0, kSqrtTwoOverPi, 0, kSqrtTwoOverPi * kGeluCubic}}))
    return "gelu_tanh";
  return {};
}

// x * sigmoid(x) = silu, x * tanh(softplus(x)) = mish, x * clip(x + 3, 0, 6) / 6 = hard_swish,
// x * (1 + erf(x / sqrt 2)) / 2 = gelu, x * (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 = gelu_tanh
struct NameGated : OpRewritePattern<nn::BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::BinaryOp op, PatternRewriter& rewriter) const override {
    if (!isBinary(op, "mul") && !isBinary(op, "div")) return failure();
    for (Value x : factors(op.getY())) {
      Product product;
      split(op.getY(), x, 3, product);
      if (product.leaves.size() != 2 || llvm::count(product.leaves, x) != 1) continue;
      Value gate = product.leaves[product.leaves[0] == x ? 1 : 0];
      if (StringRef fn = nameOfGated(gate, product.constant, x); !fn.empty())
        return replaceWithNew(rewriter, op, "unary", {x}, attrs(op).s("fn", fn));
    }
    return failure();
  }

  // Values that could be x: everything below the product's top.
  static SmallVector<Value> factors(Value top) {
    SmallVector<Value> all = {top};
    for (size_t i = 0; i < all.size() && all.size() < 16; ++i) {
      Operation* op = producer(all[i], "binary");
      if (isBinary(op, "mul") || isBinary(op, "div"))
        for (Value v : op->getOperands())
          if (!nn::isConstant(v) && v.getType() == top.getType() && !llvm::is_contained(all, v))
            all.push_back(v);
    }
    all.erase(all.begin());
    return all;
  }
};
} // namespace

void addGatedPatterns(RewritePatternSet& patterns) { patterns.add<NameGated>(patterns.getContext()); }

} // namespace burin::rewrites
