// Matrix products take the transposes around them.
#include "lib/prepare/axes.h"

using namespace mlir;

namespace burin::rewrites {

namespace {
// True for a transpose that swaps the last two axes and nothing else.
bool swapsLastTwo(ArrayRef<int64_t> perm) {
  const size_t rank = perm.size();
  if (rank < 2) return false;
  for (size_t i = 0; i + 2 < rank; ++i)
    if (perm[i] != static_cast<int64_t>(i)) return false;
  return perm[rank - 2] == static_cast<int64_t>(rank - 1);
}

// matmul(transpose(a), b) = matmul(a, b) with trans_a, for either operand
struct TransposeIntoMatMul : OpRewritePattern<nn::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter& rewriter) const override {
    for (int side : {0, 1}) {
      Operation* transpose = producer(op->getOperand(side), "transpose");
      if (!transpose || !swapsLastTwo(intsOf(transpose, "perm"))) continue;
      StringRef flag = side == 0 ? "trans_a" : "trans_b";
      rewriter.modifyOpInPlace(op, [&] {
        if (flagOf(op, flag))
          op->removeAttr(flag);
        else
          op->setAttr(flag, rewriter.getBoolAttr(true));
        op->setOperand(side, transpose->getOperand(0));
      });
      return success();
    }
    return failure();
  }
};

// Elements of a row-major tensor in the order of its transpose: flat index of x for each flat index of y.
std::vector<int64_t> transposedIndex(ArrayRef<int64_t> shape, ArrayRef<int64_t> perm) {
  std::vector<int64_t> stride(shape.size(), 1), index = {0};
  for (size_t i = shape.size() - 1; i > 0; --i) stride[i - 1] = stride[i] * shape[i];
  for (int64_t axis : perm) {
    std::vector<int64_t> next;
    for (int64_t base : index)
      for (int64_t i = 0; i < shape[axis]; ++i) next.push_back(base + i * stride[axis]);
    index = std::move(next);
  }
  return index;
}

// The product of constant weights [rows, columns] with a flattened tensor, if that is the only reader of
// `flatten`.
nn::MatMulOp productOfFlattened(Operation* flatten) {
  if (!isa<nn::ReshapeOp>(flatten) || !flatten->getResult(0).hasOneUse()) return {};
  auto product = dyn_cast<nn::MatMulOp>(*flatten->user_begin());
  bool fits = product && product.getA() == flatten->getResult(0) && !flagOf(product, "trans_a") &&
              isConstantF32(product.getB()) && rankOf(product.getB()) == 2 && rankOf(product.getA()) == 2;
  return fits ? product : nn::MatMulOp();
}

// flatten(transpose(x)) W = flatten(x) (rows of W permuted), where the batch axis stays first
struct TransposeIntoFlattenedWeights : OpRewritePattern<nn::MatMulOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(nn::MatMulOp op, PatternRewriter& rewriter) const override {
    Operation* flatten = producer(op.getA(), "reshape");
    Operation* transpose = flatten && productOfFlattened(flatten) == op
                               ? producer(flatten->getOperand(0), "transpose")
                               : nullptr;
    if (!transpose) return failure();
    Value x = transpose->getOperand(0);
    ArrayRef<int64_t> perm = intsOf(transpose, "perm"), w = shapeOf(op.getB());
    bool byColumn = flagOf(op, "trans_b");
    if (perm[0] != 0 || shapeOf(op.getA())[0] != shapeOf(x)[0] || elementsOf(x) == 0) return failure();
    std::vector<int64_t> shape(shapeOf(x));
    shape[0] = 1; // of one sample
    std::vector<int64_t> source = transposedIndex(shape, perm);
    std::vector<float> old = nn::constantFloats(op.getB()), weights(old.size());
    if (old.empty() || static_cast<int64_t>(source.size()) != w[byColumn ? 1 : 0]) return failure();
    for (size_t k = 0; k < source.size(); ++k)
      for (int64_t n = 0; n < w[byColumn ? 0 : 1]; ++n)
        if (byColumn)
          weights[n * w[1] + source[k]] = old[n * w[1] + k];
        else
          weights[source[k] * w[1] + n] = old[k * w[1] + n];
    rewriter.setInsertionPoint(op);
    Operation* flat = makeOp(rewriter, "reshape", {x}, attrs(op).ints("shape", shapeOf(op.getA())), flatten);
    if (!flat) return failure();
    Value b =
        floatConstant(rewriter, weights, w, op.getB().hasOneUse() ? nn::valueName(op.getB()) : std::string());
    rewriter.modifyOpInPlace(op, [&] {
      op->setOperand(0, flat->getResult(0));
      op->setOperand(1, b);
    });
    return success();
  }
};
} // namespace

bool flattensIntoWeights(Operation* op, ArrayRef<int64_t> perm) {
  return isa<nn::ReshapeOp>(op) && perm[0] == 0 && productOfFlattened(op) &&
         shapeOf(op->getResult(0))[0] == shapeOf(op->getOperand(0))[0];
}

void addMatMulPatterns(RewritePatternSet& patterns) {
  patterns.add<TransposeIntoMatMul, TransposeIntoFlattenedWeights>(patterns.getContext());
}

} // namespace burin::rewrites
