// Operators that a target computes in TensorFlow Lite's fixed point, where a model brings their scales along.
#include "lib/quantize/rules.h"

#include "runtime/core/op.h"
#include "runtime/numerics/softmax.h"

#include "mlir/IR/IRMapping.h"

#include <cmath>

using namespace mlir;

namespace burin::quantize {

namespace {
// softmax(beta * x) on the integers of x.
struct ScaledOperand {
  Value x;
  double beta = 1;
};
ScaledOperand scaledOperand(Operation* softmax, RuleContext& c) {
  Value x = softmax->getOperand(0);
  Operation* product = x.getDefiningOp();
  if (std::optional<float> factor = constantFactor(product);
      factor && c.emit.hasScale(product->getOperand(0)))
    return {product->getOperand(0), *factor};
  return {x, 1};
}

rt::EncodeStatus softmaxStatus(double beta, float scale, bool words) {
  if (rt::Softmax16Parameters parameters; words) return rt::encodeSoftmax(beta, scale, parameters);
  rt::SoftmaxParameters parameters;
  return rt::encodeSoftmax(beta, scale, parameters);
}

bool hasScale(const Integers& integers, int denominator, int zeroPoint) {
  return integers.affine.scale == 1.0f / static_cast<float>(denominator) &&
         integers.affine.zeroPoint == zeroPoint;
}

bool isReal(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  return type && type.getElementType().isF32();
}

Result<IntegerOperand> integerOperand(Value v, RuleContext& c) {
  if (!nn::isConstant(v)) return IntegerOperand{c.emit.integer(v), c.emit.scaleOf(v)};
  if (const StoredConstant* stored = c.storedOf(v)) return storedOperand(v, *stored, c);
  return fail(ErrorCode::Unsupported, "its constant operand is not quantized in the model");
}
} // namespace

std::optional<float> constantFactor(Operation* op) {
  if (!op || op->getName().getStringRef() != "nn.binary" || nn::isConstant(op->getOperand(0)) ||
      op->getAttrOfType<StringAttr>("fn").getValue() != "mul")
    return std::nullopt;
  const std::vector<float> values =
      nn::isConstant(op->getOperand(1)) ? nn::constantFloats(op->getOperand(1)) : std::vector<float>();
  if (values.size() != 1 || !(values[0] > 0)) return std::nullopt;
  return values[0];
}

Status quantizeSoftmax(Operation* op, RuleContext& c) {
  Value result = op->getResult(0);
  const Integers& to = c.emit.scaleOf(result);
  auto log = op->getAttrOfType<BoolAttr>("log");
  if (c.target.arithmetic.softmax != FunctionRule::Tflite)
    return fail(ErrorCode::Unsupported, "no integer rule");
  const bool words = to.dtype == rt::DType::I16;
  const bool logarithm = log && log.getValue();
  if (words && logarithm) return fail(ErrorCode::Unsupported, "no integer rule");
  if (!(words       ? hasScale(to, 32768, 0)
        : logarithm ? hasScale(to, 16, to.form.high)
                    : hasScale(to, 256, to.form.low)))
    return fail(ErrorCode::Unsupported, "its result has another scale than its integer rule gives");
  const auto [x, beta] = scaledOperand(op, c);
  const Integers& from = c.emit.scaleOf(x);
  if (auto status = softmaxStatus(beta, from.affine.scale, words); status != rt::EncodeStatus::Ok)
    return fail(ErrorCode::Unsupported, std::string("its scale ") + rt::describe(status));
  if (from.dtype != to.dtype)
    return fail(ErrorCode::Unsupported, "its operand and its result are integers of different types");
  NamedAttrList attributes = geometry(op);
  if (beta != 1) attributes.set("beta", Builder(op->getContext()).getF32FloatAttr(static_cast<float>(beta)));
  emitInteger(op, "qnn.softmax", {c.emit.integer(x)}, attributes, c);
  return {};
}

Status quantizeResize(Operation* op, RuleContext& c) {
  Value x = op->getOperand(0), result = op->getResult(0);
  if (c.target.arithmetic.resize != FunctionRule::Tflite)
    return fail(ErrorCode::Unsupported, "no integer rule");
  if (!(c.emit.scaleOf(x) == c.emit.scaleOf(result)))
    return fail(ErrorCode::Unsupported, "its operand and its result have different scales");
  // The op's own rule knows what it resamples: where it refuses, the float op stays.
  const rt::Attrs attrs = nn::programAttrs(op->getAttrDictionary());
  rt::TensorType type = nn::typeOf(x);
  type.dtype = c.emit.scaleOf(x).dtype;
  std::vector<rt::TensorType> results;
  std::string why;
  if (!rt::inferTypes("qnn.resize", rt::Signature{attrs, {&type}}, results, why))
    return fail(ErrorCode::Unsupported, why);
  emitInteger(op, "qnn.resize", {c.emit.integer(x)}, geometry(op), c);
  return {};
}

Status quantizePair(Operation* op, StringRef fn, ArrayRef<Value> operands, RuleContext& c) {
  Value result = op->getResult(0);
  Builder b(op->getContext());
  BURIN_ASSIGN(IntegerOperand x, integerOperand(operands[0], c));
  BURIN_ASSIGN(IntegerOperand y, integerOperand(operands[1], c));
  if (rt::dtypeBytes(x.integers.dtype) + rt::dtypeBytes(y.integers.dtype) != 2)
    return fail(ErrorCode::Unsupported, "its integer rule is for 8 bits");
  NamedAttrList attributes;
  attributes.set("fn", b.getStringAttr(fn));
  attributes.set("rule", b.getStringAttr("tflite"));
  const bool comparison = !isReal(result);
  Type type = result.getType();
  if (!comparison) {
    const Integers& to = c.emit.scaleOf(result);
    attributes.set("to", b.getStringAttr(rt::dtypeName(to.dtype)));
    setClamp(op, to, attributes, c.target);
    type = c.emit.integerType(result);
  }
  Value made = c.emit
                   .create("qnn.binary", {x.value, y.value}, type, attributes,
                           comparison ? nn::valueName(result) : c.emit.integerName(result), nn::nodeName(op))
                   ->getResult(0);
  if (comparison)
    c.emit.setReal(result, made);
  else
    c.emit.setInteger(result, made);
  return {};
}

namespace {
Status quantizeNormalize(Operation* op, const TfliteOperator& known, RuleContext& c) {
  Value x = known.operands[0], result = op->getResult(0);
  const Integers &from = c.emit.scaleOf(x), &to = c.emit.scaleOf(result);
  if (from.dtype != to.dtype || rt::dtypeBytes(to.dtype) != 1 || !hasScale(to, 128, to.form.low + 128))
    return fail(ErrorCode::Unsupported, "its result has another scale than its integer rule gives");
  NamedAttrList attributes;
  attributes.set("axis", Builder(op->getContext()).getI64IntegerAttr(known.axis));
  emitInteger(op, "qnn.l2_normalize", {c.emit.integer(x)}, attributes, c);
  return {};
}

// [PROD-TFLITE] The factor needs a root, which the runtime has not: the op states it.
Status quantizeProduct(Operation* op, RuleContext& c) {
  Value x = op->getOperand(0), result = op->getResult(0);
  const Integers &from = c.emit.scaleOf(x), &to = c.emit.scaleOf(result);
  const int64_t count = nn::typeOf(result).shape.elements(),
                factors = count ? nn::typeOf(x).shape.elements() / count : 0;
  if (from.dtype != rt::DType::I8 || to.dtype != rt::DType::I8 || factors == 0)
    return fail(ErrorCode::Unsupported, "its integer rule is for signed bytes");
  rt::Requant factor;
  const double root = std::pow(static_cast<double>(to.affine.scale), 1.0 / static_cast<double>(factors));
  auto status = rt::encodeRequant(rt::RequantPolicy::Tflite, from.affine.scale / root, factor);
  if (status != rt::EncodeStatus::Ok || factor.shift < -7)
    return fail(ErrorCode::Unsupported, "the factor between its scales is out of range");
  Builder b(op->getContext());
  NamedAttrList attributes = geometry(op);
  attributes.set("requant", b.getStringAttr("tflite"));
  attributes.set("multiplier", b.getDenseI64ArrayAttr({factor.multiplier}));
  attributes.set("shift", b.getDenseI64ArrayAttr({factor.shift}));
  setClamp(op, to, attributes, c.target);
  emitInteger(op, "qnn.reduce", {c.emit.integer(x)}, attributes, c);
  return {};
}

// The op itself, on stored integers: its real operands and its real result have one scale.
Status quantizeStored(Operation* op, RuleContext& c) {
  std::optional<Integers> one;
  IRMapping mapping;
  auto agrees = [&](const Integers& integers) {
    if (!one) one = integers;
    return *one == integers;
  };
  for (Value v : op->getOperands()) {
    if (!isReal(v)) {
      mapping.map(v, c.emit.plain(v));
      continue;
    }
    BURIN_ASSIGN(IntegerOperand x, integerOperand(v, c));
    if (!agrees(x.integers)) return fail(ErrorCode::Unsupported, "its operands have different scales");
    mapping.map(v, x.value);
  }
  Value result = op->getResult(0);
  const bool real = isReal(result);
  if (real && !agrees(c.emit.scaleOf(result)))
    return fail(ErrorCode::Unsupported, "its operand and its result have different scales");
  Operation* made = c.emit.builder().clone(*op, mapping);
  for (auto [old, fresh] : llvm::zip(op->getResults(), made->getResults())) c.emit.setReal(old, fresh);
  if (!real) return {};
  made->getResult(0).setType(c.emit.integerType(result));
  std::vector<std::string> names = {c.emit.integerName(result)};
  for (Value v : op->getResults().drop_front()) names.push_back(nn::valueName(v));
  nn::setNames(made, names);
  c.emit.setInteger(result, made->getResult(0));
  return {};
}
} // namespace

Status quantizeTflite(Operation* op, const TfliteOperator& known, RuleContext& c) {
  switch (known.rule) {
  case TfliteRule::Pair:
    return quantizePair(op, known.fn, known.operands, c);
  case TfliteRule::Normalize:
    return quantizeNormalize(op, known, c);
  case TfliteRule::Sum:
    if (rt::dtypeBytes(c.emit.scaleOf(known.operands[0]).dtype) == 1) return quantizeAverage(op, c);
    return fail(ErrorCode::Unsupported, "its integer rule is for 8 bits");
  case TfliteRule::Product:
    return quantizeProduct(op, c);
  default:
    return quantizeStored(op, c);
  }
}

} // namespace burin::quantize
