#include "lib/import/tflite/node_context.h"

#include <cstring>
#include <fmt/format.h>

namespace burin::tflite {

// A flatbuffer table without fields: a vtable of its own size and the table's, then the way back to it.
const int32_t NodeContext::kEmptyTable[2] = {4 | 4 << 16, 4};

NodeContext::NodeContext(GraphState& state, ImportSession& importSession, NodeFacts facts,
                         const OperatorFacts& op, const OperatorRow& row)
    : RuleContext(importSession, std::move(facts)), state_(state), op_(op), row_(row) {}

std::span<const uint8_t> NodeContext::customOptions() const {
  const auto* bytes = op_.stored->custom_options();
  return bytes ? std::span<const uint8_t>(bytes->data(), bytes->size()) : std::span<const uint8_t>();
}

namespace {
const TensorFacts* tensorAt(const Model& model, const Ints& list, int i) {
  if (i < 0 || static_cast<size_t>(i) >= list.size() || list[static_cast<size_t>(i)] < 0) return nullptr;
  return &model.tensors()[static_cast<size_t>(list[static_cast<size_t>(i)])];
}
} // namespace

const TensorFacts* NodeContext::tensor(int i) const { return tensorAt(state_.model, op_.inputs, i); }
const TensorFacts* NodeContext::outputTensor(int i) const { return tensorAt(state_.model, op_.outputs, i); }

const TensorFacts* NodeContext::intermediate(int i) const {
  return tensorAt(state_.model, op_.intermediates, i);
}

rt::DType NodeContext::outputType(int i) const {
  const TensorFacts* facts = outputTensor(i);
  return facts ? elementType(facts->type).value_or(rt::DType::F32) : rt::DType::F32;
}

//===-- quantization
//---------------------------------------------------------------------------------------------===//

Value NodeContext::parameter(const Quantization& q, const std::string& name) {
  const int64_t count = static_cast<int64_t>(q.scale.size());
  return session().builder().constantFloats(q.scale, count == 1 ? Ints{} : Ints{count}, name + "/scale");
}

Value NodeContext::zeroPoints(const Quantization& q, rt::DType dtype, const std::string& name) {
  const size_t count = q.zeroPoint.size(), width = rt::dtypeBytes(dtype);
  rt::TensorType type;
  type.dtype = dtype;
  if (count != 1) type.shape.push(static_cast<int64_t>(count));
  std::vector<char> bytes(count * width); // little endian: the low bytes come first
  for (size_t i = 0; i < count; ++i) std::memcpy(bytes.data() + i * width, &q.zeroPoint[i], width);
  return session().builder().constant(type, bytes, name + "/zero_point");
}

// Integer weights of an operator on real numbers only save space. A comparison of integers gives truth
// values.
bool NodeContext::keepsIntegers() {
  const TensorFacts *result = outputTensor(0), *a = tensor(0), *b = tensor(1);
  if (!result || !session().options().keepQuantization) return false;
  return result->quantization ||
         (elementType(result->type) == rt::DType::Bool && a && b && a->quantization && b->quantization);
}

Value NodeContext::dequantized(Value integers, const Quantization& q, const std::string& name) {
  if (failed() || !integers) return {};
  auto fold = keepsIntegers() ? nn::Fold::Never : nn::Fold::Allow;
  Value real = emit("dequantize", {integers, parameter(q, name), zeroPoints(q, dtype(integers), name)},
                    attrs().i("axis", q.scale.size() == 1 ? 0 : q.axis), fold);
  if (real) nn::setNames(real.getDefiningOp(), {name + "/dequantize"});
  return real;
}

Value NodeContext::quantized(Value value, const TensorFacts& to, bool explicitly) {
  if (failed() || !value) return {};
  const Quantization& q = *to.quantization;
  rt::DType type = elementType(to.type).value_or(rt::DType::I8);
  nn::AttrList list = attrs().i("axis", q.scale.size() == 1 ? 0 : q.axis);
  if (explicitly) list.b("real", true);
  return emit("quantize", {cast(value, rt::DType::F32), parameter(q, to.name), zeroPoints(q, type, to.name)},
              list);
}

Value NodeContext::real(int i) {
  Value x = in(i);
  const TensorFacts* facts = tensor(i);
  if (!x || !facts) return x;
  if (dtype(x) == rt::DType::F16 || dtype(x) == rt::DType::BF16) return cast(x, rt::DType::F32);
  if (isFloat(x) || !facts->quantization) return x;
  Value& known = state_.reals[facts->name];
  if (!known) known = dequantized(x, *facts->quantization, facts->name);
  return known;
}

Value NodeContext::realTransposed(int i, const Ints& perm) {
  Value x = in(i);
  const TensorFacts* facts = tensor(i);
  if (!x || rank(x) != static_cast<int64_t>(perm.size())) {
    if (!failed()) invalid(fmt::format("its operand {} has {} dimensions, not {}", i, rank(x), perm.size()));
    return {};
  }
  if (!nn::isConstant(x) || !facts || !facts->quantization) return transpose(real(i), perm);
  Quantization q = *facts->quantization;
  for (size_t to = 0; to < perm.size(); ++to)
    if (perm[to] == facts->quantization->axis) q.axis = static_cast<int64_t>(to);
  Value moved = transpose(x, perm);
  if (moved && moved != x) nn::setNames(moved.getDefiningOp(), {facts->name});
  return dequantized(moved, q, facts->name);
}

Value NodeContext::realJoined(const std::vector<int>& operands, bool padded) {
  Quantization q;
  std::vector<Value> integers;
  for (int i : operands) {
    Value x = in(i);
    const TensorFacts* facts = tensor(i);
    if (!x || !nn::isConstant(x) || isFloat(x) || !facts->quantization ||
        facts->quantization->scale.size() != 1)
      return {};
    integers.push_back(x);
    if (dtype(x) != dtype(integers[0]) || rank(x) < 1) return {};
    q.scale.insert(q.scale.end(), static_cast<size_t>(dims(x)[0]), facts->quantization->scale[0]);
    q.zeroPoint.insert(q.zeroPoint.end(), static_cast<size_t>(dims(x)[0]), facts->quantization->zeroPoint[0]);
  }
  Value joined = concat(integers, 0);
  if (padded) {
    joined = concat({joined, expand(scalar(0, dtype(joined)), dims(joined))}, 0);
    q.scale.resize(2 * q.scale.size(), 1);
    q.zeroPoint.resize(2 * q.zeroPoint.size(), 0);
  }
  if (failed()) return {};
  q.axis = 1;
  return dequantized(unsqueeze(joined, 0), q, tensor(operands[0])->name + "/joined");
}

Value NodeContext::bias(int i, int input, int weights) {
  if (!has(i)) return none();
  const TensorFacts *facts = tensor(i), *x = tensor(input), *w = tensor(weights);
  if (isFloat(in(i)) || !facts || facts->quantization) return real(i);
  if (!x || !w || !x->quantization || !w->quantization || x->quantization->scale.size() != 1)
    return cast(in(i), rt::DType::F32);
  Quantization q;
  for (float scale : w->quantization->scale) q.scale.push_back(x->quantization->scale[0] * scale);
  q.zeroPoint.assign(q.scale.size(), 0);
  return dequantized(in(i), q, facts->name);
}

//===-- axes and results
//-----------------------------------------------------------------------------------------===//

Value NodeContext::channelsFirst(Value x) {
  Ints perm = {0, rank(x) - 1};
  for (int64_t axis = 1; axis + 1 < rank(x); ++axis) perm.push_back(axis);
  if (rank(x) >= 3) return transpose(x, perm);
  if (!failed())
    invalid(fmt::format("its input has {} dimensions, batch, space and channels are needed", rank(x)));
  return {};
}

Value NodeContext::channelsLast(Value x) {
  Ints perm = {0};
  for (int64_t axis = 2; axis < rank(x); ++axis) perm.push_back(axis);
  perm.push_back(1);
  return transpose(x, perm);
}

Value NodeContext::activated(Value x, tfl::Activation activation) {
  switch (activation) {
  case tfl::Activation::NONE:
    return x;
  case tfl::Activation::RELU:
    return unary("relu", x);
  case tfl::Activation::RELU_N1_TO_1:
    return unary("clip", x, -1, 1);
  case tfl::Activation::RELU6:
    return unary("clip", x, 0, 6);
  case tfl::Activation::TANH:
    return unary("tanh", x);
  default:
    unsupported(fmt::format("its fused activation {} is not supported", static_cast<int>(activation)));
    return {};
  }
}

void NodeContext::giveTo(int i, const TensorFacts* facts, Value value) {
  if (failed() || !facts || !value) return set(i, value);
  if (facts->quantization && isFloat(value)) return set(i, quantized(value, *facts));
  const rt::DType wanted = elementType(facts->type).value_or(dtype(value));
  const bool integers = !isFloat(value) && dtype(value) != rt::DType::Bool && !rt::isFloat(wanted);
  set(i, integers ? cast(value, wanted) : value);
}

void NodeContext::give(int i, Value value) { giveTo(i, outputTensor(i), value); }

void NodeContext::giveState(int i, Value value) {
  const TensorFacts* state = tensor(i);
  if (failed() || !state || !state->isVariable) return;
  int at = static_cast<int>(op_.outputs.size()); // states come behind the operator's own outputs
  for (int k = 0; k < i; ++k) at += tensor(k) && tensor(k)->isVariable;
  if (wants(at)) giveTo(at, state, value);
}

} // namespace burin::tflite
