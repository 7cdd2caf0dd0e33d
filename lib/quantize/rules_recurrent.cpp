// Recurrent layers in TensorFlow Lite's fixed point, on the integers that a model brings along.
#include "lib/quantize/rules.h"

#include "runtime/numerics/recurrent_tflite.h"

using namespace mlir;

namespace burin::quantize {

namespace {
tl::unexpected<Error> refused(const std::string& why) { return fail(ErrorCode::Unsupported, why); }

// The integers of a constant, under one scale and without a zero point.
Result<const StoredConstant*> symmetric(Value v, const char* what, RuleContext& c) {
  const StoredConstant* stored = c.storedOf(v);
  if (!stored || stored->scale.size() != 1)
    return refused(std::string("its ") + what + " are no integers of one scale");
  if (stored->zeroPoint[0] != 0) return refused(std::string("its ") + what + " have a zero point");
  return stored;
}

Value constantOf(Value v, const StoredConstant& stored, Type element, RuleContext& c) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(v.getType()).getShape();
  return c.emit.constantRaw(stored.bytes, shape, element, nn::valueName(v));
}

Integers integersOf(const StoredConstant& stored) {
  return integersOf(
      LockedScale{stored.scale[0], static_cast<int32_t>(stored.zeroPoint[0]), stored.type.dtype});
}

// A tensor that outlives the run: the zeros it begins with, or an input.
struct State {
  Integers integers;
  Value value;
};
Result<State> stateOf(Value v, RuleContext& c) {
  const StoredConstant* stored = c.storedOf(v);
  if (!stored && c.emit.hasScale(v)) return State{c.emit.scaleOf(v), c.emit.integer(v)};
  if (!stored || stored->scale.size() != 1 || !mayBeLocked(stored->type.dtype))
    return refused("its state is no integer tensor of one scale");
  State state{integersOf(*stored), {}};
  state.value = constantOf(v, *stored, Emitter::quantType(v.getContext(), state.integers), c);
  return state;
}

bool isI8(const Integers& integers) { return integers.dtype == rt::DType::I8; }

Result<Value> biasOf(Value v, RuleContext& c) {
  if (isa<NoneType>(v.getType())) return c.emit.none();
  const StoredConstant* stored = c.storedOf(v);
  if (!stored || stored->type.dtype != rt::DType::I32) return refused("its bias is no integer constant");
  return constantOf(v, *stored, IntegerType::get(v.getContext(), 32), c);
}

// Requantisations in the order in which they are added; the first that cannot be expressed is remembered.
class Factors {
public:
  void add(float a, float b, float result) {
    rt::Requant requant;
    const rt::EncodeStatus status = rt::encodeRecurrent(a, b, result, requant);
    if (status != rt::EncodeStatus::Ok && ok_ == rt::EncodeStatus::Ok) ok_ = status;
    multiplier_.push_back(requant.multiplier);
    shift_.push_back(requant.shift);
  }
  Status set(NamedAttrList& attributes, Builder b) const {
    if (ok_ != rt::EncodeStatus::Ok) return refused(std::string("a scale ") + rt::describe(ok_));
    attributes.set("multiplier", b.getDenseI64ArrayAttr(multiplier_));
    attributes.set("shift", b.getDenseI64ArrayAttr(shift_));
    return {};
  }

private:
  rt::EncodeStatus ok_ = rt::EncodeStatus::Ok;
  std::vector<int64_t> multiplier_, shift_;
};

// Results beyond the first are states: integers of the given kinds. One that is read has that very scale.
Status finish(Operation* op, ArrayRef<Value> operands, ArrayRef<Integers> results,
              const NamedAttrList& attributes, RuleContext& c) {
  std::vector<Type> types;
  std::vector<std::string> names;
  for (auto [v, integers] : llvm::zip(op->getResults(), results)) {
    if (c.emit.hasScale(v) && !(c.emit.scaleOf(v) == integers))
      return refused("its state and '" + nn::valueName(v) + "' have different scales");
    types.push_back(
        cast<RankedTensorType>(v.getType()).clone(Emitter::quantType(op->getContext(), integers)));
    names.push_back(c.emit.integerName(v));
  }
  Operation* made = c.emit.createAll("qnn." + op->getName().stripDialect().str(), operands, types, attributes,
                                     names, nn::nodeName(op));
  for (auto [old, v] : llvm::zip(op->getResults(), made->getResults())) c.emit.setInteger(old, v);
  return {};
}

Status quantizeSvdf(Operation* op, RuleContext& c) {
  enum { kX, kFeature, kTime, kBias, kState };
  BURIN_ASSIGN(const StoredConstant* feature, symmetric(op->getOperand(kFeature), "feature weights", c));
  BURIN_ASSIGN(const StoredConstant* time, symmetric(op->getOperand(kTime), "time weights", c));
  const Integers &x = c.emit.scaleOf(op->getOperand(kX)), &y = c.emit.scaleOf(op->getResult(0));
  BURIN_ASSIGN(State state, stateOf(op->getOperand(kState), c));
  if (!isI8(x) || !isI8(y) || feature->type.dtype != rt::DType::I8)
    return refused("its tensors are no signed bytes");
  if (time->type.dtype != state.integers.dtype)
    return refused("its time weights and its state differ in type");
  NamedAttrList attributes = geometry(op);
  Factors factors;
  factors.add(x.affine.scale, feature->scale[0], state.integers.affine.scale);
  factors.add(state.integers.affine.scale, time->scale[0], y.affine.scale);
  BURIN_CHECK(factors.set(attributes, Builder(op->getContext())));
  BURIN_ASSIGN(Value bias, biasOf(op->getOperand(kBias), c));
  auto weights = [&](int i, const StoredConstant& stored) {
    return constantOf(op->getOperand(i), stored, Emitter::quantType(op->getContext(), integersOf(stored)), c);
  };
  return finish(op,
                {c.emit.integer(op->getOperand(kX)), weights(kFeature, *feature), weights(kTime, *time), bias,
                 state.value},
                {y, state.integers}, attributes, c);
}

// --- LSTM

enum LstmOperand { kX, kW, kR, kBias, kLengths, kH0, kC0, kPeephole };
constexpr int64_t kGates = 4;

std::string whyNotLstm(Operation* op) {
  for (int i : {kLengths, kPeephole})
    if (op->getNumOperands() > static_cast<unsigned>(i) && !isa<NoneType>(op->getOperand(i).getType()))
      return i == kPeephole ? "it has peepholes" : "it has sequence lengths";
  auto flag = op->getAttrOfType<BoolAttr>("input_forget");
  auto functions = op->getAttrOfType<StringAttr>("activations");
  if (op->getAttrOfType<StringAttr>("direction").getValue() != "forward") return "it does not run forward";
  if (op->hasAttr("clip") || (flag && flag.getValue())) return "its gates are clipped or coupled";
  if (functions && functions.getValue() != "Sigmoid,Tanh,Tanh")
    return "its functions are not sigmoid and tanh";
  if (op->getNumOperands() <= kC0 || isa<NoneType>(op->getOperand(kH0).getType()) ||
      isa<NoneType>(op->getOperand(kC0).getType()))
    return "it has no states";
  return {};
}

struct GateWeights {
  Value value;
  std::vector<float> scale; // per gate
};
Result<GateWeights> gateWeights(Value v, RuleContext& c) {
  const StoredConstant* stored = c.storedOf(v);
  ArrayRef<int64_t> shape = cast<RankedTensorType>(v.getType()).getShape();
  if (!stored || stored->type.dtype != rt::DType::I8 || stored->axis != 1 ||
      static_cast<int64_t>(stored->scale.size()) != shape[1])
    return refused("its weights are no signed bytes with a scale per gate");
  GateWeights weights{constantOf(v, *stored, IntegerType::get(v.getContext(), 8), c), {}};
  for (size_t i = 0, rows = stored->scale.size() / kGates; i < stored->scale.size(); ++i) {
    if (i % rows == 0) weights.scale.push_back(stored->scale[i]);
    if (stored->scale[i] != weights.scale.back() || stored->zeroPoint[i] != 0)
      return refused("the weights of a gate have several scales, or a zero point");
  }
  return weights;
}

// That of w; r must have none.
Result<Value> gateBias(Value v, RuleContext& c) {
  if (isa<NoneType>(v.getType())) return c.emit.none();
  const StoredConstant* stored = c.storedOf(v);
  if (!stored || stored->type.dtype != rt::DType::I32) return refused("its bias is no integer constant");
  StoredConstant ofW = *stored;
  ofW.bytes.resize(stored->bytes.size() / 2);
  if (llvm::any_of(ArrayRef(stored->bytes).drop_front(ofW.bytes.size()), [](char b) { return b != 0; }))
    return refused("it has a bias of its own for the hidden state");
  const int64_t rows = static_cast<int64_t>(ofW.bytes.size() / sizeof(int32_t));
  return c.emit.constantRaw(ofW.bytes, {1, rows}, IntegerType::get(v.getContext(), 32), nn::valueName(v));
}

Status quantizeLstm(Operation* op, RuleContext& c) {
  if (std::string why = whyNotLstm(op); !why.empty()) return refused(why);
  const Integers &x = c.emit.scaleOf(op->getOperand(kX)), &y = c.emit.scaleOf(op->getResult(0));
  BURIN_ASSIGN(GateWeights w, gateWeights(op->getOperand(kW), c));
  BURIN_ASSIGN(GateWeights r, gateWeights(op->getOperand(kR), c));
  BURIN_ASSIGN(Value bias, gateBias(op->getOperand(kBias), c));
  BURIN_ASSIGN(State h, stateOf(op->getOperand(kH0), c));
  BURIN_ASSIGN(State cell, stateOf(op->getOperand(kC0), c));
  if (!isI8(x) || !isI8(y)) return refused("its tensors are no signed bytes");
  if (!(h.integers == y)) return refused("its state and its result have different scales");
  rt::LstmCell encoded;
  if (cell.integers.dtype != rt::DType::I16 || cell.integers.affine.zeroPoint != 0 ||
      !rt::encodeLstmCell(cell.integers.affine.scale, 0, encoded))
    return refused("its cell state is no i16 tensor with a power of two from 2^-15 to 2^-9 as scale");
  constexpr float kArgument = 1.0f / (1 << 12), kFraction = 1.0f / (1 << 15); // of the gates' functions
  Factors factors;
  for (float scale : w.scale) factors.add(scale, x.affine.scale, kArgument);
  for (float scale : r.scale) factors.add(scale, y.affine.scale, kArgument);
  auto ownScale = op->getAttrOfType<FloatAttr>("h_scale");
  factors.add(kFraction, kFraction,
              ownScale ? static_cast<float>(ownScale.getValueAsDouble()) : y.affine.scale);
  NamedAttrList attributes;
  for (StringRef name : {"cell_clip", "h_zero"})
    if (Attribute given = op->getAttr(name)) attributes.set(name, given);
  BURIN_CHECK(factors.set(attributes, Builder(op->getContext())));
  return finish(op, {c.emit.integer(op->getOperand(kX)), w.value, r.value, bias, h.value, cell.value},
                {y, y, cell.integers}, attributes, c);
}
} // namespace

Status quantizeRecurrent(Operation* op, RuleContext& context) {
  if (context.target.arithmetic.recurrent != FunctionRule::Tflite) return refused("no integer rule");
  if (op->getName().getStringRef() == "nn.lstm") return quantizeLstm(op, context);
  if (op->getName().getStringRef() == "nn.svdf") return quantizeSvdf(op, context);
  return refused("no integer rule");
}

} // namespace burin::quantize
