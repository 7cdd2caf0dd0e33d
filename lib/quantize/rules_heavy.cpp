#include "lib/quantize/channels.h"
#include "lib/quantize/rules.h"

#include "runtime/numerics/registry.h"
#include "runtime/numerics/weights.h"

using namespace mlir;

namespace burin::quantize {

namespace {
ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }

// Where the output channel of a weight's flat index is.
struct Channels {
  int64_t count = 0;
  int axis = 0; // of the weight tensor, for w_axis; -1 when no single axis holds the channels
  std::function<int64_t(int64_t)> of;
};

Channels channelsOf(Operation* op) {
  ArrayRef<int64_t> w = shapeOf(op->getOperand(1));
  StringRef name = op->getName().getStringRef();
  int64_t elements = cast<RankedTensorType>(op->getOperand(1).getType()).getNumElements();
  if (name == "nn.conv") {
    int64_t perChannel = w[0] ? elements / w[0] : 1;
    return {w[0], 0, [perChannel](int64_t i) { return i / perChannel; }};
  }
  if (name == "nn.conv_transpose") {
    int64_t groups = op->getAttrOfType<IntegerAttr>("groups").getInt(), outputs = w[1],
            inputs = w[0] / groups;
    int64_t taps = elements / (w[0] * w[1]);
    return {outputs * groups, groups == 1 ? 1 : -1,
            [=](int64_t i) { return i / (outputs * taps) / inputs * outputs + i / taps % outputs; }};
  }
  auto transposed = op->getAttrOfType<BoolAttr>("trans_b");
  int rank = static_cast<int>(w.size()), axis = transposed && transposed.getValue() ? rank - 2 : rank - 1;
  if (rank == 1) return {1, -1, [](int64_t) { return int64_t(0); }};
  int64_t n = w[axis], inner = axis == rank - 1 ? 1 : w[rank - 1];
  return {n, axis, [=](int64_t i) { return i / inner % n; }};
}

void setWeightScale(const IntegerWeights& w, const Channels& channels, NamedAttrList& attributes, Builder b) {
  attributes.set("w_scale", b.getDenseF32ArrayAttr(w.scale));
  // Grouped transposed convolutions have no one axis of output channels.
  if (w.scale.size() > 1 && channels.axis >= 0) attributes.set("w_axis", b.getI64IntegerAttr(channels.axis));
  if (!w.zeroPoint.empty()) attributes.set("w_zero_point", b.getDenseI64ArrayAttr(w.zeroPoint));
}

struct Requantisation {
  Value multiplier, shift;
};
Requantisation requantOperands(const IntegerWeights& w, Emitter& emit) {
  if (!w.realMultiplier.empty()) return {emit.constantF32(w.realMultiplier), emit.none()};
  return {emit.constantI32(w.multiplier), emit.constantI32(w.shift)};
}

void finish(Operation* op, StringRef type, ArrayRef<Value> operands, NamedAttrList attributes,
            RuleContext& c) {
  Value result = op->getResult(0);
  std::string node = nn::nodeName(op);
  if (c.plan.floatResult) {
    for (StringRef clamp : {"lo", "hi"})
      if (Attribute a = op->getAttr(clamp)) attributes.set(clamp, a);
    c.emit.setReal(result,
                   c.emit.create(type, operands, result.getType(), attributes, nn::valueName(result), node)
                       ->getResult(0));
    return;
  }
  setClamp(op, c.emit.scaleOf(result), attributes, c.target);
  emitInteger(op, type, operands, attributes, c);
}

WeightProblem problemOf(Operation* op, const std::vector<float>& w, const std::vector<float>& bias,
                        const Channels& channels, RuleContext& c) {
  WeightProblem problem{w, bias, channels.count, channels.of, c.emit.scaleOf(op->getOperand(0)).affine.scale,
                        {}};
  problem.floatResult = c.plan.floatResult;
  if (!c.plan.floatResult) {
    const Integers& y = c.emit.scaleOf(op->getResult(0));
    problem.outputScale = [&y](int64_t channel) { return y.channelScale(channel); };
    problem.outputBase = y.affine.scale;
  }
  return problem;
}

Value biasConstant(const IntegerWeights& q, Emitter& emit) {
  if (q.bias.empty()) return emit.none();
  if (q.wide) return emit.constantI64(q.bias);
  return emit.constantI32(std::vector<int32_t>(q.bias.begin(), q.bias.end()));
}

// The op on integers; `weights` are its stored ones.
void emitHeavy(Operation* op, const IntegerWeights& q, Value weights, const Channels& channels,
               RuleContext& c) {
  Builder b(op->getContext());
  NamedAttrList attributes = geometry(op);
  attributes.set("requant", b.getStringAttr(q.policy));
  setWeightScale(q, channels, attributes, b);
  if (q.wide) attributes.set("wide", b.getI64IntegerAttr(1));
  Requantisation r = requantOperands(q, c.emit);
  Value biasValue = biasConstant(q, c.emit);
  finish(op, "qnn." + op->getName().stripDialect().str(),
         {c.emit.integer(op->getOperand(0)), weights, biasValue, r.multiplier, r.shift}, attributes, c);
}

// The model's own integers for a bias, or a float bias on the accumulator's grid.
Status storedBias(Value v, const WeightProblem& problem, RuleContext& c, IntegerWeights& q) {
  if (isa<NoneType>(v.getType())) return {};
  const StoredConstant* stored = c.storedOf(v);
  if (stored && stored->type.dtype == rt::DType::I32)
    q.bias = stored->values<int32_t>();
  else if (stored && stored->type.dtype == rt::DType::I64)
    q.bias = stored->values<int64_t>();
  else
    for (size_t i = 0; i < problem.bias.size(); ++i)
      q.bias.push_back(rt::quantizeBias(
          problem.bias[i], static_cast<double>(problem.inputScale) * q.scale[q.scale.size() == 1 ? 0 : i],
          c.target.bias.rounding));
  if (!q.wide)
    for (int64_t& b : q.bias) b = rt::saturate(b, INT32_MIN, INT32_MAX);
  if (q.bias.size() == 1) q.bias.assign(static_cast<size_t>(problem.channels), q.bias[0]);
  if (static_cast<int64_t>(q.bias.size()) != problem.channels)
    return fail(ErrorCode::Unsupported, "its bias is not one value per channel");
  return {};
}

// [ACC-WIDE] A file's 16-bit operands are summed in 64 bits, unless it stores a bias of 32.
bool sumsWide(Operation* op, RuleContext& c) {
  const StoredConstant* bias = c.storedOf(op->getOperand(2));
  return c.emit.scaleOf(op->getOperand(0)).form.bits() > 8 && !(bias && bias->type.dtype == rt::DType::I32);
}

// Weights that the model brings along as integers stay as they are.
Status keepStoredWeights(Operation* op, const StoredConstant& stored, RuleContext& c) {
  const Channels channels = channelsOf(op);
  const int64_t scales = static_cast<int64_t>(stored.scale.size());
  if (rt::dtypeBytes(stored.type.dtype) != 1)
    return fail(ErrorCode::Unsupported, "its weights have more than 8 bits");
  if (scales != 1 && (scales != channels.count || stored.axis != channels.axis))
    return fail(ErrorCode::Unsupported, "its weights' scales are not one per output channel");
  std::vector<float> none, bias = nn::constantFloats(op->getOperand(2));
  WeightProblem problem = problemOf(op, none, bias, channels, c);
  IntegerWeights q;
  // [RQ-SCALE-FC]
  const bool floatProduct =
      scales == 1 && (classify(op) == OpClass::MatMul || stored.type.dtype == rt::DType::U8);
  BURIN_CHECK(requantizeStored(stored.scale, problem, c.target, floatProduct, q));
  q.wide = sumsWide(op, c);
  BURIN_CHECK(storedBias(op->getOperand(2), problem, c, q));
  Value weights = op->getOperand(1);
  auto element =
      IntegerType::get(op->getContext(), 8,
                       stored.type.dtype == rt::DType::I8 ? IntegerType::Signless : IntegerType::Unsigned);
  Value constant = c.emit.constantRaw(stored.bytes, shapeOf(weights), element, nn::valueName(weights));
  q.zeroPoint = stored.zeroPoint;
  emitHeavy(op, q, constant, channels, c);
  return {};
}

// Weights are constants: convolutions and fully connected layers.
Status quantizeWithWeights(Operation* op, RuleContext& c) {
  if (const StoredConstant* stored = c.storedOf(op->getOperand(1))) return keepStoredWeights(op, *stored, c);
  Value weights = op->getOperand(1);
  std::vector<float> w = nn::constantFloats(weights), bias = nn::constantFloats(op->getOperand(2));
  if (w.empty()) return fail(ErrorCode::Unsupported, "its weights are computed at run time");
  if (bias.empty() && !isa<NoneType>(op->getOperand(2).getType()))
    return fail(ErrorCode::Unsupported, "its bias is computed at run time");
  Channels channels = channelsOf(op);
  if (bias.size() == 1 && channels.count > 1) bias.assign(channels.count, bias[0]);
  if (!bias.empty() && static_cast<int64_t>(bias.size()) != channels.count)
    return fail(ErrorCode::Unsupported, "its bias is not one value per channel");
  // Every integer layer has a bias: zero, or what correction makes of it.
  if (bias.empty()) bias.assign(static_cast<size_t>(channels.count), 0.0f);
  if (!c.plan.biasCorrection.empty()) {
    if (c.plan.biasCorrection.size() != bias.size())
      return fail(ErrorCode::Input,
                  "the plan's bias_correction has " + std::to_string(c.plan.biasCorrection.size()) +
                      " values for " + std::to_string(bias.size()) + " channels",
                  "correct the plan");
    for (size_t i = 0; i < bias.size(); ++i) bias[i] = static_cast<float>(bias[i] + c.plan.biasCorrection[i]);
  }
  // The operand's scales per channel become part of the weights.
  const Integers& x = c.emit.scaleOf(op->getOperand(0));
  for (size_t i = 0; !x.channels.empty() && i < w.size(); ++i)
    w[i] =
        static_cast<float>(w[i] * x.channels[static_cast<size_t>(inputChannel(op, static_cast<int64_t>(i)))]);
  const WeightProblem problem = problemOf(op, w, bias, channels, c);
  const WeightForm* form = c.target.weights(classify(op));
  if (!form) return fail(ErrorCode::Unsupported, "the target has no weight form for it");
  BURIN_ASSIGN(IntegerWeights q, quantizeWeights(problem, *form, c.target));

  Value stored = c.emit.constantI8(q.weights, shapeOf(weights), IntegerType::get(op->getContext(), 8),
                                   nn::valueName(weights));
  emitHeavy(op, q, stored, channels, c);
  return {};
}

// Both sides are activations (attention): one scale each, no bias.
Status quantizeProduct(Operation* op, RuleContext& c) {
  if (!isa<NoneType>(op->getOperand(2).getType()))
    return fail(ErrorCode::Unsupported, "a product of activations with a bias");
  const float a = c.emit.scaleOf(op->getOperand(0)).affine.scale,
              b = c.emit.scaleOf(op->getOperand(1)).affine.scale;
  IntegerWeights q;
  const rt::RequantPolicy policy = c.target.arithmetic.requantize;
  if (c.plan.floatResult) {
    q.policy = "none";
    q.realMultiplier = {a * b};
  } else {
    rt::Requant requant;
    const float result = c.emit.scaleOf(op->getResult(0)).affine.scale;
    auto status = rt::encodeRequant(policy,
                                    policy == rt::RequantPolicy::Tflite
                                        ? rt::requantScaleTfliteFullyConnected(a, b, result) // [RQ-SCALE-FC]
                                        : rt::requantScale(policy, a, b, result),
                                    requant);
    if (status != rt::EncodeStatus::Ok)
      return fail(ErrorCode::Unsupported, std::string("requantisation scale ") + rt::describe(status));
    q.policy = rt::nameOf(policy);
    if (policy == rt::RequantPolicy::FloatHalfEven)
      q.realMultiplier = {requant.scale};
    else
      q.multiplier = {requant.multiplier}, q.shift = {requant.shift};
  }
  NamedAttrList attributes = geometry(op);
  attributes.set("requant", StringAttr::get(op->getContext(), q.policy));
  if (sumsWide(op, c)) attributes.set("wide", Builder(op->getContext()).getI64IntegerAttr(1));
  Requantisation r = requantOperands(q, c.emit);
  Value left = c.emit.integer(op->getOperand(0)), right = c.emit.integer(op->getOperand(1));
  finish(op, "qnn.matmul", {left, right, c.emit.none(), r.multiplier, r.shift}, attributes, c);
  return {};
}
} // namespace

Status quantizeHeavy(Operation* op, RuleContext& context) {
  return classify(op) == OpClass::MatMulActAct ? quantizeProduct(op, context)
                                               : quantizeWithWeights(op, context);
}

} // namespace burin::quantize
