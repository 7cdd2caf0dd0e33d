// Ops whose operands became constant are computed by the runtime's own kernels.

#include "lib/nn/constants.h"
#include "lib/prepare/rewrite.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace burin::rewrites {

namespace {
// A folded result may not be much bigger than its operands: a huge expand is cheaper to compute than to
// store.
constexpr int64_t kMaxGrowth = 4, kFreeElements = int64_t(1) << 20, kMaxElements = int64_t(1) << 26;
// Multiply-adds of a product of constants.
constexpr double kMaxWork = 1e9;

bool worthFolding(Operation* op) {
  int64_t operandElements = 0, resultElements = 0;
  for (Value v : op->getOperands()) {
    if (isNone(v)) continue;
    if (!nn::isConstant(v) || (elementsOf(v) > 0 && nn::constantBytes(v).empty())) return false;
    operandElements += elementsOf(v);
  }
  for (Value v : op->getResults()) resultElements += elementsOf(v);
  bool cheap =
      isa<nn::UnaryOp, nn::BinaryOp, nn::SelectOp, nn::CastOp, nn::ReshapeOp, nn::TransposeOp, nn::SliceOp,
          nn::ConcatOp, nn::PadOp, nn::ExpandOp, nn::TileOp, nn::GatherOp, nn::ReduceOp, nn::BatchNormOp>(op);
  double work = cheap ? 0 : static_cast<double>(operandElements) * static_cast<double>(resultElements);
  return operandElements > 0 && work <= kMaxWork && resultElements <= kMaxElements &&
         resultElements <= kMaxGrowth * operandElements + kFreeElements;
}

// f(constants) = constant. Already quantized models keep their nn.dequantize of integer weights.
struct FoldConstants : RewritePattern {
  explicit FoldConstants(MLIRContext* context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
  LogicalResult matchAndRewrite(Operation* op, PatternRewriter& rewriter) const override {
    if (!isa<nn::NNDialect>(op->getDialect()) || op->getNumOperands() == 0 ||
        op->hasTrait<OpTrait::IsTerminator>())
      return failure();
    if (isa<nn::QuantizeOp, nn::DequantizeOp>(op) || !isPure(op) || !worthFolding(op)) return failure();
    std::vector<nn::ConstantTensor> storage(op->getNumOperands());
    std::vector<nn::ConstantTensor*> operands;
    for (auto [i, v] : llvm::enumerate(op->getOperands())) {
      if (!isNone(v)) storage[i] = {nn::typeOf(v), nn::constantBytes(v).data()};
      operands.push_back(isNone(v) ? nullptr : &storage[i]);
    }
    auto results =
        nn::evaluate(op->getName().getStringRef().str(), nn::programAttrs(op->getAttrDictionary()), operands);
    if (!results) return failure();
    SmallVector<Value> constants;
    for (auto [i, result] : llvm::enumerate(*results))
      constants.push_back(bytesConstant(rewriter, cast<RankedTensorType>(op->getResult(i).getType()),
                                        result.second, nn::valueName(op->getResult(i))));
    rewriter.replaceOp(op, constants);
    return success();
  }
};
} // namespace

void addConstantPatterns(RewritePatternSet& patterns) { patterns.add<FoldConstants>(patterns.getContext()); }

void expandSplats(nn::GraphOp graph) {
  graph.walk([](nn::ConstantOp op) {
    auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!dense || !dense.isSplat() || dense.getNumElements() == 1 || dense.getElementType().isInteger(1))
      return;
    ArrayRef<char> one = dense.getRawData();
    std::vector<char> all;
    for (int64_t i = 0; i < dense.getNumElements(); ++i) all.insert(all.end(), one.begin(), one.end());
    op.setValueAttr(
        nn::resource(dense.getType(), {}, HeapAsmResourceBlob::allocateAndCopyWithAlign(all, 64)));
  });
}

} // namespace burin::rewrites
