// Functions of single elements, with broadcasting where there are two.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace burin::onnx {

namespace {
void importUnary(NodeContext& c) { c.set(0, c.unary(c.row().variant, c.in(0))); }

// Activations with parameters: ONNX attribute names and defaults of alpha and beta.
struct Activation {
  const char* onnxName;
  const char* function;
  const char* alphaName;
  float alpha;
  const char* betaName;
  float beta;
};
constexpr Activation kActivations[] = {
    {"LeakyRelu", "leaky_relu", "alpha", 0.01f, nullptr, 0},
    {"Elu", "elu", "alpha", 1.0f, nullptr, 0},
    {"Celu", "celu", "alpha", 1.0f, nullptr, 0},
    {"Selu", "selu", "alpha", 1.67326319217681884765625f, "gamma", 1.05070102214813232421875f},
    {"HardSigmoid", "hard_sigmoid", "alpha", 0.2f, "beta", 0.5f},
    {"ThresholdedRelu", "thresholded_relu", "alpha", 1.0f, nullptr, 0},
    {"Shrink", "shrink", "lambd", 0.5f, "bias", 0.0f},
};

void importActivation(NodeContext& c) {
  for (const Activation& a : kActivations)
    if (c.type() == a.onnxName) {
      float alpha = c.real(a.alphaName, a.alpha);
      float beta = a.betaName ? c.real(a.betaName, a.beta) : a.beta;
      c.set(0, c.unary(a.function, c.in(0), alpha, beta));
    }
}
} // namespace

Value namedActivation(NodeContext& c, Value x, const std::string& name,
                      const std::vector<float>& parameters) {
  auto parameter = [&](size_t i, float fallback) { return i < parameters.size() ? parameters[i] : fallback; };
  if (name.empty()) return x;
  if (name == "Relu" || name == "Tanh" || name == "Sigmoid")
    return c.unary(name == "Relu" ? "relu" : name == "Tanh" ? "tanh" : "sigmoid", x);
  if (name == "HardSwish") return c.unary("hard_swish", x);
  if (name == "Clip")
    return c.unary("clip", x, parameter(0, std::numeric_limits<float>::lowest()),
                   parameter(1, std::numeric_limits<float>::max()));
  for (const Activation& a : kActivations)
    if (name == a.onnxName) return c.unary(a.function, x, parameter(0, a.alpha), parameter(1, a.beta));
  c.unsupported(fmt::format("its activation '{}' is not known", name));
  return {};
}

namespace {
// Before opset 7 the second operand was stretched only on request: its axes lie on those of the first from
// `axis` on, without that attribute on the last ones, as they do in all later opsets.
Value broadcastOperand(NodeContext& c) {
  Value b = c.in(1);
  if (c.opset() >= 7 || !c.hasAttribute("axis")) return b;
  int64_t rank = NodeContext::rank(c.in(0)), axis = c.axis(c.integer("axis"), rank);
  Ints dims = NodeContext::dims(b);
  int64_t behind = rank - axis - static_cast<int64_t>(dims.size());
  if (behind < 0)
    c.invalid(fmt::format("an operand with {} axes does not fit from axis {} on", dims.size(), axis));
  if (c.failed()) return {};
  dims.insert(dims.end(), static_cast<size_t>(behind), 1);
  return c.reshape(b, dims);
}

void importBinary(NodeContext& c) {
  Value a = c.in(0), b = broadcastOperand(c);
  if (NodeContext::dtype(a) != NodeContext::dtype(b))
    return c.invalid(fmt::format("its inputs are {} and {}", rt::dtypeName(NodeContext::dtype(a)),
                                 rt::dtypeName(NodeContext::dtype(b))),
                     "insert a Cast");
  c.set(0, c.binary(c.row().variant, a, b));
}

// The result has the base's type; NumPy computes a mixed power in the wider type and converts.
void importPow(NodeContext& c) {
  Value base = c.in(0), exponent = broadcastOperand(c);
  rt::DType type = NodeContext::dtype(base);
  rt::DType common =
      NodeContext::isFloat(exponent) && !rt::isFloat(type) ? NodeContext::dtype(exponent) : type;
  c.set(0, c.cast(c.binary("pow", c.cast(base, common), c.cast(exponent, common)), type));
}

void importMod(NodeContext& c) {
  bool truncated = c.flag("fmod");
  if (!truncated && NodeContext::isFloat(c.in(0)) && !c.failed())
    return c.invalid("attribute 'fmod' must be 1 for floating point inputs");
  c.set(0, c.binary(truncated ? "fmod" : "mod", c.in(0), c.in(1)));
}

void importBitShift(NodeContext& c) {
  std::string direction = c.text("direction");
  if (direction != "LEFT" && direction != "RIGHT")
    return c.invalid(fmt::format("attribute 'direction' is '{}'", direction));
  c.set(0, c.binary(direction == "LEFT" ? "shift_left" : "shift_right", c.in(0), c.in(1)));
}

// PRelu broadcasts its slope to x, like Python does; many exporters write [C,1,1]. Before opset 7 a vector
// belonged to the channels.
void importPRelu(NodeContext& c) {
  Value slope = c.cast(c.in(1), NodeContext::dtype(c.in(0)));
  int64_t rank = NodeContext::rank(c.in(0));
  if (c.opset() < 7 && NodeContext::rank(slope) == 1 && rank > 1) {
    Ints perChannel(static_cast<size_t>(rank - 1), 1);
    perChannel[0] = NodeContext::dims(slope)[0];
    slope = c.reshape(slope, perChannel);
  }
  c.set(0, c.binary("prelu", c.in(0), slope));
}

// Sum, Min, Max, Mean of one or more inputs.
void importVariadic(NodeContext& c) {
  bool isMean = std::strcmp(c.row().variant, "mean") == 0;
  Value total = c.in(0);
  for (int i = 1; i < c.inputCount(); ++i) total = c.binary(isMean ? "add" : c.row().variant, total, c.in(i));
  if (isMean && c.inputCount() > 1) total = c.div(total, c.scalarLike(c.inputCount(), total));
  c.set(0, total);
}

Value clipBound(NodeContext& c, Value x, Value bound, const char* fn) {
  if (!bound) return x;
  return c.binary(fn, x, NodeContext::rank(bound) ? c.reshape(bound, {}) : bound);
}

// Limits are attributes before opset 11 and inputs since; both may be left out. Result min(max(x, low),
// high).
void importClip(NodeContext& c) {
  Value x = c.in(0), low, high;
  constexpr float kLowest = std::numeric_limits<float>::lowest(),
                  kHighest = std::numeric_limits<float>::max();
  float lowest = kLowest, highest = kHighest;
  bool known = NodeContext::isFloat(x);
  if (c.opset() < 11) {
    lowest = c.real("min", kLowest), highest = c.real("max", kHighest);
    low = c.hasAttribute("min") ? c.scalarLike(lowest, x) : Value();
    high = c.hasAttribute("max") ? c.scalarLike(highest, x) : Value();
  } else {
    low = c.in(1), high = c.in(2);
    known &= (!low || nn::isConstant(low)) && (!high || nn::isConstant(high)) &&
             NodeContext::dtype(x) == rt::DType::F32;
    if (known && low) lowest = c.constantFloat(1, "min").value_or(0);
    if (known && high) highest = c.constantFloat(2, "max").value_or(0);
  }
  if (known && lowest <= highest) return c.set(0, c.unary("clip", x, lowest, highest));
  c.set(0, clipBound(c, clipBound(c, x, low, "max"), high, "min"));
}

void importGelu(NodeContext& c) {
  std::string approximate = c.text("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return c.unsupported(fmt::format("attribute 'approximate' is '{}'", approximate));
  c.set(0, c.unary(approximate == "tanh" ? "gelu_tanh" : "gelu", c.in(0)));
}

// x * sigmoid(alpha * x)
void importSwish(NodeContext& c) {
  float alpha = c.real("alpha", std::strcmp(c.row().variant, "quick") == 0 ? 1.702f : 1.0f);
  Value x = c.in(0);
  if (alpha == 1.0f) return c.set(0, c.unary("silu", x));
  c.set(0, c.mul(x, c.unary("sigmoid", c.mul(x, c.scalarLike(alpha, x)))));
}

// com.microsoft BiasGelu and FastGelu: gelu(x + bias).
void importBiasGelu(NodeContext& c) {
  Value x = c.has(1) ? c.add(c.in(0), c.in(1)) : c.in(0);
  c.set(0, c.unary(c.row().variant, x));
}

void importIsInf(NodeContext& c) {
  c.set(0, c.unary("is_inf", c.in(0), static_cast<float>(c.flag("detect_negative", true)),
                   static_cast<float>(c.flag("detect_positive", true))));
}

void importWhere(NodeContext& c) {
  if (NodeContext::dtype(c.in(1)) != NodeContext::dtype(c.in(2)))
    return c.invalid("its two values have different types", "insert a Cast");
  c.set(0, c.select(c.cast(c.in(0), rt::DType::Bool), c.in(1), c.in(2)));
}

const OperatorRow kRows[] = {
    {"Relu", importUnary, 1, 1, 1, "relu"},
    {"Sigmoid", importUnary, 1, 1, 1, "sigmoid"},
    {"HardSwish", importUnary, 1, 1, 1, "hard_swish"},
    {"Mish", importUnary, 1, 1, 1, "mish"},
    {"Tanh", importUnary, 1, 1, 1, "tanh"},
    {"Softplus", importUnary, 1, 1, 1, "softplus"},
    {"Softsign", importUnary, 1, 1, 1, "softsign"},
    {"Exp", importUnary, 1, 1, 1, "exp"},
    {"Log", importUnary, 1, 1, 1, "log"},
    {"Sqrt", importUnary, 1, 1, 1, "sqrt"},
    {"Reciprocal", importUnary, 1, 1, 1, "reciprocal"},
    {"Neg", importUnary, 1, 1, 1, "neg"},
    {"Abs", importUnary, 1, 1, 1, "abs"},
    {"Ceil", importUnary, 1, 1, 1, "ceil"},
    {"Floor", importUnary, 1, 1, 1, "floor"},
    {"Round", importUnary, 1, 1, 1, "round"},
    {"Sign", importUnary, 1, 1, 1, "sign"},
    {"Erf", importUnary, 1, 1, 1, "erf"},
    {"Sin", importUnary, 1, 1, 1, "sin"},
    {"Cos", importUnary, 1, 1, 1, "cos"},
    {"Tan", importUnary, 1, 1, 1, "tan"},
    {"Asin", importUnary, 1, 1, 1, "asin"},
    {"Acos", importUnary, 1, 1, 1, "acos"},
    {"Atan", importUnary, 1, 1, 1, "atan"},
    {"Sinh", importUnary, 1, 1, 1, "sinh"},
    {"Cosh", importUnary, 1, 1, 1, "cosh"},
    {"Asinh", importUnary, 1, 1, 1, "asinh"},
    {"Acosh", importUnary, 1, 1, 1, "acosh"},
    {"Atanh", importUnary, 1, 1, 1, "atanh"},
    {"Not", importUnary, 1, 1, 1, "not"},
    {"BitwiseNot", importUnary, 1, 1, 1, "bit_not"},
    {"IsNaN", importUnary, 1, 1, 1, "is_nan"},
    {"IsInf", importIsInf, 1, 1},
    {"LeakyRelu", importActivation, 1, 1},
    {"Elu", importActivation, 1, 1},
    {"Celu", importActivation, 1, 1},
    {"Selu", importActivation, 1, 1},
    {"HardSigmoid", importActivation, 1, 1},
    {"ThresholdedRelu", importActivation, 1, 1},
    {"Shrink", importActivation, 1, 1},
    {"Clip", importClip, 1, 3},
    {"Gelu", importGelu, 1, 1},
    {"Swish", importSwish, 1, 1},
    {"Add", importBinary, 2, 2, 1, "add"},
    {"Sub", importBinary, 2, 2, 1, "sub"},
    {"Mul", importBinary, 2, 2, 1, "mul"},
    {"Div", importBinary, 2, 2, 1, "div"},
    {"And", importBinary, 2, 2, 1, "and"},
    {"Or", importBinary, 2, 2, 1, "or"},
    {"Xor", importBinary, 2, 2, 1, "xor"},
    {"Equal", importBinary, 2, 2, 1, "equal"},
    {"Less", importBinary, 2, 2, 1, "less"},
    {"Greater", importBinary, 2, 2, 1, "greater"},
    {"LessOrEqual", importBinary, 2, 2, 12, "less_equal"},
    {"GreaterOrEqual", importBinary, 2, 2, 12, "greater_equal"},
    {"BitwiseAnd", importBinary, 2, 2, 18, "bit_and"},
    {"BitwiseOr", importBinary, 2, 2, 18, "bit_or"},
    {"BitwiseXor", importBinary, 2, 2, 18, "bit_xor"},
    {"BitShift", importBitShift, 2, 2},
    {"Pow", importPow, 2, 2},
    {"Mod", importMod, 2, 2},
    {"PRelu", importPRelu, 2, 2},
    {"Sum", importVariadic, 1, kAny, 1, "add"},
    {"Max", importVariadic, 1, kAny, 1, "max"},
    {"Min", importVariadic, 1, kAny, 1, "min"},
    {"Mean", importVariadic, 1, kAny, 1, "mean"},
    {"Where", importWhere, 3, 3},
    {"com.microsoft:Gelu", importGelu, 1, 1},
    {"com.microsoft:QuickGelu", importSwish, 1, 1, 1, "quick"},
    {"com.microsoft:BiasGelu", importBiasGelu, 2, 2, 1, "gelu"},
    {"com.microsoft:FastGelu", importBiasGelu, 1, 2, 1, "gelu_tanh"},
};
} // namespace

const OperatorTable<OperatorRow> kElementwiseOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
