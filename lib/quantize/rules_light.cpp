#include "lib/quantize/rules.h"

#include "runtime/numerics/pool.h"
#include "runtime/numerics/registry.h"
#include "runtime/numerics/table_tflite.h"

#include <cmath>

using namespace mlir;

namespace burin::quantize {

namespace {
tl::unexpected<Error> badScale(rt::EncodeStatus status) {
  return fail(ErrorCode::Unsupported, std::string("rescaling factor ") + rt::describe(status));
}

// Program attributes of a per-tensor requantisation.
void setRequant(const rt::Requant& r, NamedAttrList& attributes, Builder b) {
  attributes.set("requant", b.getStringAttr(rt::nameOf(r.policy)));
  if (r.policy == rt::RequantPolicy::FloatHalfEven)
    attributes.set("ratio", b.getDenseF32ArrayAttr({r.scale}));
  else {
    attributes.set("multiplier", b.getDenseI64ArrayAttr({r.multiplier}));
    attributes.set("shift", b.getDenseI64ArrayAttr({r.shift}));
  }
}

using Operand = IntegerOperand;
} // namespace

// A constant with the integers of the model.
Result<Operand> storedOperand(Value v, const StoredConstant& stored, RuleContext& c) {
  if (stored.scale.size() != 1 || !mayBeLocked(stored.type.dtype))
    return fail(ErrorCode::Unsupported, "its constant operand has several scales or more than 16 bits");
  Integers integers =
      integersOf({stored.scale[0], static_cast<int32_t>(stored.zeroPoint[0]), stored.type.dtype});
  auto type = cast<RankedTensorType>(v.getType());
  return Operand{c.emit.constantRaw(stored.bytes, type.getShape(),
                                    Emitter::quantType(v.getContext(), integers), nn::valueName(v)),
                 integers};
}

namespace {
// An activation, or a constant quantized from its own values.
Result<Operand> binaryOperand(Value v, bool reciprocal, RuleContext& c) {
  if (const StoredConstant* stored = c.storedOf(v); stored && !reciprocal)
    return storedOperand(v, *stored, c);
  if (!nn::isConstant(v)) return Operand{c.emit.integer(v), c.emit.scaleOf(v)};
  std::vector<float> values = nn::constantFloats(v);
  double min = 0, max = 0;
  for (float& x : values) {
    if (reciprocal) x = 1.0f / x;
    if (!std::isfinite(x)) return fail(ErrorCode::Unsupported, "its constant operand is not finite");
    min = std::min<double>(min, x);
    max = std::max<double>(max, x);
  }
  Integers integers = integersForRange(min, max, std::max(-min, max), *c.target.scheme(c.scheme), c.scheme);
  std::vector<int8_t> stored;
  for (float x : values)
    stored.push_back(static_cast<int8_t>(quantizeFor(c.target, x, integers.affine, integers.form)));
  auto type = cast<RankedTensorType>(v.getType());
  return Operand{c.emit.constantI8(stored, type.getShape(), Emitter::quantType(v.getContext(), integers),
                                   nn::valueName(v)),
                 integers};
}

void setAddRule(const rt::AddParameters& p, NamedAttrList& attributes, Builder b) {
  attributes.set("rule", b.getStringAttr(rt::nameOf(p.policy)));
  if (p.policy == rt::AddPolicy::FloatRatio) {
    attributes.set("ratio", b.getDenseF32ArrayAttr({p.ratioA, p.ratioB}));
    return;
  }
  attributes.set("multiplier", b.getDenseI64ArrayAttr(
                                   {p.rescaleA.multiplier, p.rescaleB.multiplier, p.rescaleOut.multiplier}));
  attributes.set("shift", b.getDenseI64ArrayAttr({p.rescaleA.shift, p.rescaleB.shift, p.rescaleOut.shift}));
  attributes.set("left_shift", b.getI64IntegerAttr(p.leftShift));
}

} // namespace

NamedAttrList geometry(Operation* op) {
  NamedAttrList attributes;
  for (NamedAttribute a : op->getAttrs())
    if (a.getName() != "names" && a.getName() != "node" && a.getName() != "lo" && a.getName() != "hi")
      attributes.push_back(a);
  return attributes;
}

void emitInteger(Operation* op, StringRef type, ArrayRef<Value> operands, NamedAttrList attributes,
                 RuleContext& c) {
  Value result = op->getResult(0);
  c.emit.setInteger(result, c.emit
                                .create(type, operands, c.emit.integerType(result), std::move(attributes),
                                        c.emit.integerName(result), nn::nodeName(op))
                                ->getResult(0));
}

void setClamp(Operation* op, const Integers& result, NamedAttrList& attributes, const Target& target) {
  int32_t low = result.form.low, high = result.form.high;
  auto bound = [&](FloatAttr a) {
    return quantizeFor(target, static_cast<float>(a.getValueAsDouble()), result.affine, result.form);
  };
  if (auto lo = op->getAttrOfType<FloatAttr>("lo")) low = bound(lo);
  if (auto hi = op->getAttrOfType<FloatAttr>("hi")) high = bound(hi);
  Builder b(op->getContext());
  attributes.set("q_lo", b.getI64IntegerAttr(low));
  attributes.set("q_hi", b.getI64IntegerAttr(high));
}

Status quantizeBinary(Operation* op, RuleContext& c) {
  StringRef fn = op->getAttrOfType<StringAttr>("fn").getValue();
  const bool divide = fn == "div";
  BURIN_ASSIGN(Operand a, binaryOperand(op->getOperand(0), false, c));
  BURIN_ASSIGN(Operand b, binaryOperand(op->getOperand(1), divide, c));
  const Integers& y = c.emit.scaleOf(op->getResult(0));
  Builder builder(op->getContext());
  NamedAttrList attributes = geometry(op);
  if (divide) attributes.set("fn", builder.getStringAttr("mul"));
  if (fn == "min" || fn == "max") {
    attributes.set("rule", builder.getStringAttr(rt::nameOf(c.target.arithmetic.rescale)));
  } else if (fn == "mul" || divide) {
    const rt::RequantPolicy policy = c.target.arithmetic.multiply;
    rt::Requant requant;
    auto status = rt::encodeRequant(
        policy, rt::multiplyScale(policy, a.integers.affine.scale, b.integers.affine.scale, y.affine.scale),
        requant);
    if (status != rt::EncodeStatus::Ok) return badScale(status);
    setRequant(requant, attributes, builder);
    attributes.set("rule", attributes.get("requant"));
    attributes.erase("requant");
  } else {
    rt::AddParameters parameters;
    const int bits = std::max(a.integers.form.bits(), b.integers.form.bits()) > 8 ? 16 : 8;
    auto status = rt::encodeAdd(c.target.arithmetic.add, a.integers.affine.scale, b.integers.affine.scale,
                                y.affine.scale, bits, parameters);
    if (status != rt::EncodeStatus::Ok) return badScale(status);
    setAddRule(parameters, attributes, builder);
  }
  setClamp(op, y, attributes, c.target);
  emitInteger(op, "qnn.binary", {a.value, b.value}, attributes, c);
  return {};
}

Status quantizeAverage(Operation* op, RuleContext& c) {
  Value x = op->getOperand(0), result = op->getResult(0);
  Builder b(op->getContext());
  NamedAttrList attributes = geometry(op);
  const Integers &from = c.emit.scaleOf(x), &to = c.emit.scaleOf(result);
  rt::Requant requant;
  auto status =
      rt::encodeAverage(c.target.arithmetic.average.policy, from.affine.scale, to.affine.scale, 1, requant);
  if (status != rt::EncodeStatus::Ok) return badScale(status);
  // Integer division is for pools of equal scales; the rest takes the policy that comes with it.
  const bool pool = classify(op) == OpClass::AvgPool && from == to;
  attributes.set("requant", b.getStringAttr(pool ? rt::nameOf(c.target.arithmetic.average)
                                                 : rt::nameOf(c.target.arithmetic.average.policy)));
  setClamp(op, c.emit.scaleOf(result), attributes, c.target);
  emitInteger(op, "qnn." + op->getName().stripDialect().str(), {c.emit.integer(x)}, attributes, c);
  return {};
}

namespace {
// [RS-CONCAT] Unsigned operands of a concatenation.
Value joined(Value q, const Integers& from, const Integers& to, const std::string& name, Operation* op,
             RuleContext& c) {
  const rt::TableScales scales{from.affine, to.affine, to.form.low, to.form.high};
  std::vector<int32_t> table;
  for (int32_t i = 0; i < 256; ++i) table.push_back(rt::joinedTflite(i, scales));
  NamedAttrList attributes;
  attributes.set("fn", StringAttr::get(op->getContext(), "identity"));
  auto type = cast<RankedTensorType>(q.getType()).clone(Emitter::quantType(op->getContext(), to));
  return emitTable({q, type, name, nn::nodeName(op)}, table, attributes, c);
}

// Integers of one scale as those of another.
Result<Value> requantized(Value q, const Integers& from, const Integers& to, const std::string& name,
                          Operation* op, RuleContext& c) {
  if (from == to) return q;
  rt::Requant requant;
  auto status = rt::encodeRescale(c.target.arithmetic.rescale, from.affine.scale, to.affine.scale, requant);
  if (status != rt::EncodeStatus::Ok) return badScale(status);
  NamedAttrList attributes;
  setRequant(requant, attributes, Builder(op->getContext()));
  auto type = cast<RankedTensorType>(q.getType()).clone(Emitter::quantType(op->getContext(), to));
  return c.emit.create("qnn.requantize", {q}, type, attributes, name, nn::nodeName(op))->getResult(0);
}
} // namespace

namespace {
// A constant among joined tensors: the model's integers, if they have the scale of the result.
Result<Value> storedPart(Value v, const Integers& to, RuleContext& c) {
  const StoredConstant* stored = c.storedOf(v);
  if (!stored) return fail(ErrorCode::Unsupported, "one of its operands is a constant");
  BURIN_ASSIGN(Operand part, storedOperand(v, *stored, c));
  if (!(part.integers == to))
    return fail(ErrorCode::Unsupported, "one of its operands is a constant of another scale");
  return part.value;
}
} // namespace

Status quantizeConcat(Operation* op, RuleContext& c) {
  Value result = op->getResult(0);
  const Integers& to = c.emit.scaleOf(result);
  SmallVector<Value> operands;
  for (Value x : op->getOperands()) {
    if (nn::isConstant(x)) {
      BURIN_ASSIGN(Value q, storedPart(x, to, c));
      operands.push_back(q);
      continue;
    }
    const Integers& from = c.emit.scaleOf(x);
    const std::string name = nn::valueName(x) + "/requantize";
    const bool table = c.target.arithmetic.functions == FunctionRule::Tflite && !(from == to) &&
                       from.dtype == rt::DType::U8 && to.dtype == rt::DType::U8;
    if (table) {
      operands.push_back(joined(c.emit.integer(x), from, to, name, op, c));
      continue;
    }
    BURIN_ASSIGN(Value q, requantized(c.emit.integer(x), from, to, name, op, c));
    operands.push_back(q);
  }
  emitInteger(op, "nn.concat", operands, geometry(op), c);
  return {};
}

Status quantizeIdentity(Operation* op, RuleContext& c) {
  Value x = op->getOperand(0), y = op->getResult(0);
  BURIN_ASSIGN(Value q, requantized(c.emit.integer(x), c.emit.scaleOf(x), c.emit.scaleOf(y),
                                    c.emit.integerName(y), op, c));
  c.emit.setInteger(y, q);
  return {};
}

Status quantizeSameScale(Operation* op, RuleContext& c) {
  Value x = op->getOperand(0), result = op->getResult(0);
  const Integers& to = c.emit.scaleOf(result);
  BURIN_ASSIGN(Value q, requantized(c.emit.integer(x), c.emit.scaleOf(x), to,
                                    nn::valueName(x) + "/requantize", op, c));
  SmallVector<Value> operands = {q};
  for (Value v : op->getOperands().drop_front()) operands.push_back(c.emit.plain(v));
  emitInteger(op, op->getName().getStringRef(), operands, geometry(op), c);
  return {};
}

} // namespace burin::quantize
