// Functions of single elements, with broadcasting where there are several.
#include "lib/import/tflite/operators.h"

#include <fmt/format.h>

namespace burin::tflite {

namespace {
void importUnary(NodeContext& c) { c.give(0, c.unary(c.row().variant, c.real(0))); }

template <float low, float high>
void importClip(NodeContext& c) {
  c.give(0, c.unary("clip", c.real(0), low, high));
}

void importLeakyRelu(NodeContext& c) {
  c.give(0, c.unary("leaky_relu", c.real(0), c.options<tfl::LeakyReluOptions>().alpha()));
}
void importElu(NodeContext& c) { c.give(0, c.unary("elu", c.real(0), 1)); }
void importGelu(NodeContext& c) {
  c.give(0, c.unary(c.options<tfl::GeluOptions>().approximate() ? "gelu_tanh" : "gelu", c.real(0)));
}

template <class Options>
void importArithmetic(NodeContext& c) {
  Value y = c.binary(c.row().variant, c.real(0), c.real(1));
  c.give(0, c.activated(y, c.options<Options>().activation()));
}

void importBinary(NodeContext& c) { c.give(0, c.binary(c.row().variant, c.real(0), c.real(1))); }

void importNotEqual(NodeContext& c) { c.give(0, c.unary("not", c.binary("equal", c.real(0), c.real(1)))); }

void importSquaredDifference(NodeContext& c) {
  Value d = c.sub(c.real(0), c.real(1));
  c.give(0, c.mul(d, d));
}

// floor(a / b): the remainder with the sign of the divisor leaves an exact multiple.
void importFloorDiv(NodeContext& c) {
  Value a = c.real(0), b = c.real(1);
  if (c.failed()) return;
  if (NodeContext::isFloat(a)) return c.give(0, c.unary("floor", c.div(a, b)));
  c.give(0, c.div(c.sub(a, c.binary("mod", a, b)), b));
}

void importAddN(NodeContext& c) {
  Value sum = c.real(0);
  for (int i = 1; i < c.inputCount(); ++i) sum = c.add(sum, c.real(i));
  c.give(0, sum);
}

// SELECT takes a vector as one condition per row of its operands.
void importSelect(NodeContext& c) {
  Value condition = c.in(0), a = c.real(1), b = c.real(2);
  const int64_t rank = NodeContext::rank(a);
  if (c.type() == "SELECT" && NodeContext::rank(condition) == 1 && rank > 1) {
    Ints shape(static_cast<size_t>(rank), 1);
    shape[0] = NodeContext::dims(condition)[0];
    condition = c.reshape(condition, shape);
  }
  c.give(0, c.select(condition, a, b));
}

void importCast(NodeContext& c) {
  const TensorFacts* to = c.outputTensor(0);
  if (!to || !elementType(to->type))
    return c.unsupported(fmt::format("a cast to {} is not supported", to ? elementTypeName(to->type) : ""));
  c.set(0, c.cast(c.in(0), *elementType(to->type)));
}

void importZerosLike(NodeContext& c) {
  Value x = c.real(0);
  c.give(0, c.expand(c.scalarLike(0, x), NodeContext::dims(x)));
}

constexpr auto importAdd = importArithmetic<tfl::AddOptions>, importSub = importArithmetic<tfl::SubOptions>,
               importMul = importArithmetic<tfl::MulOptions>, importDiv = importArithmetic<tfl::DivOptions>;

const OperatorRow kRows[] = {
    {"ADD", importAdd, 2, 2, "model", "add"},
    {"SUB", importSub, 2, 2, "model", "sub"},
    {"MUL", importMul, 2, 2, "model", "mul"},
    {"DIV", importDiv, 2, 2, "fixture", "div"},
    {"FLOOR_DIV", importFloorDiv, 2, 2, "model"},
    {"FLOOR_MOD", importBinary, 2, 2, "fixture", "mod"},
    {"POW", importBinary, 2, 2, "fixture", "pow"},
    {"MAXIMUM", importBinary, 2, 2, "fixture", "max"},
    {"MINIMUM", importBinary, 2, 2, "fixture", "min"},
    {"PRELU", importBinary, 2, 2, "fixture", "prelu"},
    {"SQUARED_DIFFERENCE", importSquaredDifference, 2, 2, "fixture"},
    {"ADD_N", importAddN, 1, kAny, "fixture"},
    {"EQUAL", importBinary, 2, 2, "fixture", "equal"},
    {"NOT_EQUAL", importNotEqual, 2, 2, "fixture"},
    {"LESS", importBinary, 2, 2, "fixture", "less"},
    {"LESS_EQUAL", importBinary, 2, 2, "fixture", "less_equal"},
    {"GREATER", importBinary, 2, 2, "fixture", "greater"},
    {"GREATER_EQUAL", importBinary, 2, 2, "fixture", "greater_equal"},
    {"LOGICAL_AND", importBinary, 2, 2, "fixture", "and"},
    {"LOGICAL_OR", importBinary, 2, 2, "fixture", "or"},
    {"LOGICAL_NOT", importUnary, 1, 1, "fixture", "not"},
    {"BITWISE_XOR", importBinary, 2, 2, "fixture", "bit_xor"},
    {"SELECT", importSelect, 3, 3, "fixture"},
    {"SELECT_V2", importSelect, 3, 3, "fixture"},
    {"CAST", importCast, 1, 1, "model"},
    {"ZEROS_LIKE", importZerosLike, 1, 1, "fixture"},
    {"RELU", importUnary, 1, 1, "fixture", "relu"},
    {"RELU6", importClip<0.0f, 6.0f>, 1, 1, "fixture"},
    {"RELU_N1_TO_1", importClip<-1.0f, 1.0f>, 1, 1, "fixture"},
    {"RELU_0_TO_1", importClip<0.0f, 1.0f>, 1, 1, "fixture"},
    {"LEAKY_RELU", importLeakyRelu, 1, 1, "fixture"},
    {"ELU", importElu, 1, 1, "fixture"},
    {"GELU", importGelu, 1, 1, "fixture"},
    {"HARD_SWISH", importUnary, 1, 1, "fixture", "hard_swish"},
    {"LOGISTIC", importUnary, 1, 1, "model", "sigmoid"},
    {"TANH", importUnary, 1, 1, "fixture", "tanh"},
    {"ABS", importUnary, 1, 1, "fixture", "abs"},
    {"NEG", importUnary, 1, 1, "fixture", "neg"},
    {"SIGN", importUnary, 1, 1, "fixture", "sign"},
    {"EXP", importUnary, 1, 1, "model", "exp"},
    {"LOG", importUnary, 1, 1, "fixture", "log"},
    {"SQRT", importUnary, 1, 1, "model", "sqrt"},
    {"RSQRT", importUnary, 1, 1, "fixture", "rsqrt"},
    {"SQUARE", importUnary, 1, 1, "fixture", "square"},
    {"SIN", importUnary, 1, 1, "fixture", "sin"},
    {"COS", importUnary, 1, 1, "fixture", "cos"},
    {"FLOOR", importUnary, 1, 1, "fixture", "floor"},
    {"CEIL", importUnary, 1, 1, "fixture", "ceil"},
    {"ROUND", importUnary, 1, 1, "fixture", "round"},
};
} // namespace

const OperatorTable<OperatorRow> kElementwiseOperators = {kRows, std::size(kRows)};

} // namespace burin::tflite
