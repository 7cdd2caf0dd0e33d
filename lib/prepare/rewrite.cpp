#include "lib/prepare/rewrite.h"

#include "lib/nn/constants.h"
#include "runtime/math/unary_functions.h"

#include "mlir/IR/DialectResourceBlobManager.h"

#include <cmath>

using namespace mlir;

namespace burin::rewrites {

ArrayRef<int64_t> shapeOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getShape() : ArrayRef<int64_t>();
}

int64_t elementsOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getNumElements() : 0;
}

bool isF32(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32();
}

bool isNone(Value value) { return isa<NoneType>(value.getType()); }
bool isConstantF32(Value value) { return isF32(value) && nn::isConstant(value); }

Operation* producer(Value value, StringRef mnemonic) {
  Operation* op = value ? value.getDefiningOp() : nullptr;
  return op && op->getName().stripDialect() == mnemonic ? op : nullptr;
}

StringRef functionOf(Operation* op) { return textOf(op, "fn"); }

bool isUnary(Operation* op, StringRef fn) { return isa_and_nonnull<nn::UnaryOp>(op) && functionOf(op) == fn; }

bool isBinary(Operation* op, StringRef fn) {
  return isa_and_nonnull<nn::BinaryOp>(op) && functionOf(op) == fn && isF32(op->getResult(0)) &&
         isF32(op->getOperand(0)) && !op->hasAttr("lo") && !op->hasAttr("hi");
}

float unaryParameter(Operation* op, bool beta) {
  if (auto a = op->getAttrOfType<FloatAttr>(beta ? "beta" : "alpha"))
    return static_cast<float>(a.getValueAsDouble());
  rt::math::UnaryFn fn;
  if (!rt::math::parseUnaryFn(functionOf(op).str().c_str(), fn)) return 0;
  rt::math::UnaryParams defaults = rt::math::defaultUnaryParams(fn);
  return beta ? defaults.beta : defaults.alpha;
}

ArrayRef<int64_t> intsOf(Operation* op, StringRef attribute) {
  auto a = op->getAttrOfType<DenseI64ArrayAttr>(attribute);
  return a ? a.asArrayRef() : ArrayRef<int64_t>();
}
int64_t intOf(Operation* op, StringRef attribute, int64_t fallback) {
  auto a = op->getAttrOfType<IntegerAttr>(attribute);
  return a ? a.getValue().getSExtValue() : fallback;
}
bool flagOf(Operation* op, StringRef attribute) {
  auto a = op->getAttrOfType<BoolAttr>(attribute);
  return a && a.getValue();
}
StringRef textOf(Operation* op, StringRef attribute) {
  auto a = op->getAttrOfType<StringAttr>(attribute);
  return a ? a.getValue() : StringRef();
}

std::optional<double> uniformConstant(Value value) {
  constexpr int64_t kMaxElements = 1 << 16; // a per-channel vector at most: weights are never scanned
  if (!value || !isConstantF32(value) || elementsOf(value) == 0 || elementsOf(value) > kMaxElements)
    return std::nullopt;
  std::vector<float> values = nn::constantFloats(value);
  if (values.empty()) return std::nullopt;
  for (float v : values)
    if (!(v == values[0])) return std::nullopt;
  return values[0];
}

std::optional<ScalarOperand> scalarOperand(Operation* op) {
  if (!isa_and_nonnull<nn::BinaryOp>(op)) return std::nullopt;
  for (bool first : {false, true}) {
    Value x = op->getOperand(first ? 1 : 0);
    if (nn::isConstant(x) || x.getType() != op->getResult(0).getType()) continue;
    if (auto c = uniformConstant(op->getOperand(first ? 0 : 1))) return ScalarOperand{x, *c, first};
  }
  return std::nullopt;
}

Range clampOf(Operation* op) {
  Range range;
  if (auto lo = op->getAttrOfType<FloatAttr>("lo")) range.lo = lo.getValueAsDouble();
  if (auto hi = op->getAttrOfType<FloatAttr>("hi")) range.hi = hi.getValueAsDouble();
  return range;
}

std::optional<Range> readClamp(Operation* op, Value& x) {
  if (!op || op->getNumResults() != 1 || !isF32(op->getResult(0))) return std::nullopt;
  if (isUnary(op, "relu") || isUnary(op, "clip")) {
    x = op->getOperand(0);
    if (isUnary(op, "relu")) return Range{0, kInfinity};
    return Range{unaryParameter(op, false), unaryParameter(op, true)};
  }
  if (!isBinary(op, "max") && !isBinary(op, "min")) return std::nullopt;
  auto scalar = scalarOperand(op);
  if (!scalar) return std::nullopt;
  x = scalar->x;
  return functionOf(op) == "max" ? Range{scalar->constant, kInfinity} : Range{-kInfinity, scalar->constant};
}

namespace {
Range rangeOfUnary(Operation* op) {
  Value x;
  if (auto clamp = readClamp(op, x)) return *clamp;
  StringRef fn = functionOf(op);
  if (fn == "sigmoid" || fn == "hard_sigmoid") return {0, 1};
  if (fn == "tanh") return {-1, 1};
  if (fn == "exp" || fn == "abs" || fn == "square" || fn == "sqrt" || fn == "softplus") return {0, kInfinity};
  return {};
}

Range boundedRange(Value value, int& fuel) {
  Operation* op = value.getDefiningOp();
  if (!op || !isF32(value) || --fuel < 0) return {};
  if (isa<nn::UnaryOp>(op)) return rangeOfUnary(op);
  if (isa<nn::SoftmaxOp>(op)) return flagOf(op, "log") ? Range{-kInfinity, 0} : Range{0, 1};
  if (isa<nn::MaxPoolOp, nn::ReshapeOp, nn::TransposeOp, nn::SliceOp, nn::DepthToSpaceOp, nn::SpaceToDepthOp>(
          op))
    return boundedRange(op->getOperand(0), fuel);
  // A mean of non-negative numbers is non-negative; its upper bound may be passed by a rounding error.
  if (isa<nn::AvgPoolOp>(op) || (isa<nn::ReduceOp>(op) && functionOf(op) == "mean"))
    return boundedRange(op->getOperand(0), fuel).lo >= 0 ? Range{0, kInfinity} : Range{};
  if (isa<nn::ConcatOp>(op)) {
    Range all{kInfinity, -kInfinity};
    for (Value v : op->getOperands()) {
      Range r = boundedRange(v, fuel);
      all = {std::min(all.lo, r.lo), std::max(all.hi, r.hi)};
    }
    return all;
  }
  Range clamp = clampOf(op);
  bool sumOrProduct = isa<nn::BinaryOp>(op) && (functionOf(op) == "add" || functionOf(op) == "mul");
  if (sumOrProduct && clamp.lo < 0 && boundedRange(op->getOperand(0), fuel).lo >= 0 &&
      boundedRange(op->getOperand(1), fuel).lo >= 0)
    clamp.lo = 0;
  return clamp;
}
} // namespace

Range knownRange(Value value) {
  int fuel = 64;
  return boundedRange(value, fuel);
}

bool nearlyEqual(double a, double b, double relative) {
  return std::abs(a - b) <= relative * std::max(std::abs(a), std::abs(b));
}

Value bytesConstant(OpBuilder& builder, RankedTensorType type, ArrayRef<char> bytes,
                    const std::string& name) {
  auto blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 64);
  return nn::constant(builder, type, std::move(blob), name);
}

Value floatConstant(OpBuilder& builder, ArrayRef<float> values, ArrayRef<int64_t> shape,
                    const std::string& name) {
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  return bytesConstant(
      builder, type,
      ArrayRef<char>(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)), name);
}

Operation* makeOp(OpBuilder& builder, StringRef mnemonic, ValueRange operands, const OpAttributes& attributes,
                  Operation* nodeOf) {
  std::string type = "nn." + mnemonic.str();
  DictionaryAttr dictionary = attributes.dictionary;
  SmallVector<Type> types;
  if (failed(nn::inferTypes(type, builder.getContext(), std::nullopt, operands, dictionary, types)))
    return nullptr;
  OperationState state(builder.getUnknownLoc(), type);
  state.addOperands(operands);
  state.addTypes(types);
  state.addAttributes(dictionary.getValue());
  Operation* op = builder.create(state);
  if (nodeOf)
    if (Attribute node = nodeOf->getAttr("node")) op->setAttr("node", node);
  return op;
}

void takeName(Operation* op, Operation* named) {
  if (std::string name = nn::valueName(named->getResult(0)); !name.empty()) nn::setNames(op, {name});
}

LogicalResult replaceWithNew(PatternRewriter& rewriter, Operation* old, StringRef mnemonic,
                             ValueRange operands, const OpAttributes& attributes) {
  rewriter.setInsertionPoint(old);
  Operation* op = makeOp(rewriter, mnemonic, operands, attributes, old);
  if (!op) return failure();
  if (op->getResult(0).getType() != old->getResult(0).getType()) {
    rewriter.eraseOp(op);
    return failure();
  }
  takeName(op, old);
  rewriter.replaceOp(old, op);
  return success();
}

LogicalResult forwardTo(PatternRewriter& rewriter, Operation* old, Value value) {
  if (value.getType() != old->getResult(0).getType()) return failure();
  Operation* op = value.getDefiningOp();
  if (op && op->getNumResults() == 1 && !isa<nn::InputOp, nn::ConstantOp>(op) && nn::valueName(value).empty())
    takeName(op, old);
  rewriter.replaceOp(old, value);
  return success();
}

} // namespace burin::rewrites
