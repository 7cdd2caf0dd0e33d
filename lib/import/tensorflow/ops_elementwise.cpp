// Arithmetic, comparisons and logic of elements, with broadcasting; passing on.
#include "lib/import/tensorflow/layout.h"

#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
void importUnary(RuleContext& c, Attributes& a) { c.set(0, c.unary(a.variant(), c.in(0))); }

bool sameType(RuleContext& c, Value x, Value y) {
  if (RuleContext::dtype(x) == RuleContext::dtype(y)) return true;
  c.invalid(fmt::format("its inputs are {} and {}", rt::dtypeName(RuleContext::dtype(x)),
                        rt::dtypeName(RuleContext::dtype(y))));
  return false;
}

void importBinary(RuleContext& c, Attributes& a) {
  if (sameType(c, c.in(0), c.in(1))) c.set(0, c.binary(a.variant(), c.in(0), c.in(1)));
}

void importNotEqual(RuleContext& c, Attributes&) {
  if (sameType(c, c.in(0), c.in(1))) c.set(0, c.unary("not", c.binary("equal", c.in(0), c.in(1))));
}

// Towards minus infinity: integer division itself truncates.
void importFloorDiv(RuleContext& c, Attributes&) {
  Value x = c.in(0), y = c.in(1);
  if (!sameType(c, x, y)) return;
  c.set(0,
        RuleContext::isFloat(x) ? c.unary("floor", c.div(x, y)) : c.div(c.sub(x, c.binary("mod", x, y)), y));
}

void importDivNoNan(RuleContext& c, Attributes&) {
  Value x = c.in(0), y = c.in(1);
  if (!sameType(c, x, y)) return;
  Value zero = c.scalarLike(0, y);
  c.set(0, c.select(c.binary("equal", y, zero), zero, c.div(x, y)));
}

void importSquaredDifference(RuleContext& c, Attributes&) {
  if (sameType(c, c.in(0), c.in(1))) c.set(0, c.unary("square", c.sub(c.in(0), c.in(1))));
}

void importAddN(RuleContext& c, Attributes&) {
  Value sum = c.in(0);
  for (int i = 1; i < c.inputCount(); ++i) sum = c.add(sum, c.in(i));
  c.set(0, sum);
}

// Over the channels. Images are added to with channels in front, where convolutions can take the bias in.
void importBiasAdd(RuleContext& c, Attributes& a) {
  Value x = c.in(0), bias = c.in(1);
  int64_t rank = RuleContext::rank(x);
  if (RuleContext::rank(bias) != 1 || rank < 2) return c.invalid("its bias is not one value per channel");
  if (isChannelsLast(a) && rank < 4) return c.set(0, c.add(x, bias));
  Ints shape(static_cast<size_t>(rank) - 1, 1);
  shape[0] = RuleContext::dims(bias)[0];
  c.set(0, leave(c, a, c.add(enter(c, a, x), c.reshape(bias, shape))));
}

void importClip(RuleContext& c, Attributes&) {
  Value x = c.in(0), low = c.in(1), high = c.in(2);
  if (RuleContext::dtype(x) == rt::DType::F32 && nn::isConstant(low) && nn::isConstant(high) &&
      RuleContext::rank(low) == 0 && RuleContext::rank(high) == 0) {
    auto least = c.constantFloat(1, "lower limit"), most = c.constantFloat(2, "upper limit");
    if (least && most && *least <= *most) return c.set(0, c.unary("clip", x, *least, *most));
  }
  c.set(0, c.binary("min", c.binary("max", x, low), high));
}

// Select takes a condition of the values' shape, a scalar, or one entry per row; SelectV2 broadcasts.
void importSelect(RuleContext& c, Attributes&) {
  Value condition = c.in(0), x = c.in(1), y = c.in(2);
  if (!sameType(c, x, y)) return;
  int64_t rank = RuleContext::rank(x);
  if (c.type() == "Select" && RuleContext::rank(condition) == 1 && rank > 1) {
    Ints shape(static_cast<size_t>(rank), 1);
    shape[0] = RuleContext::dims(condition)[0];
    condition = c.reshape(condition, shape);
  }
  c.set(0, c.select(condition, x, y));
}

void importCast(RuleContext& c, Attributes& a) {
  if (!a.has("DstT")) return c.invalid("attribute 'DstT' is missing", "the file is damaged");
  c.set(0, c.cast(c.in(0), a.type("DstT", rt::DType::F32)));
}

void importIsFinite(RuleContext& c, Attributes&) {
  Value x = c.in(0);
  c.set(0, c.unary("not", c.binary("or", c.unary("is_nan", x), c.unary("is_inf", x, 1, 1))));
}
void importIsInf(RuleContext& c, Attributes&) { c.set(0, c.unary("is_inf", c.in(0), 1, 1)); }

void importIdentity(RuleContext& c, Attributes&) { c.set(0, c.in(0)); }
void importIdentityN(RuleContext& c, Attributes&) {
  for (int i = 0; i < c.inputCount(); ++i) c.set(i, c.in(i));
}

const OperatorRow kRows[] = {
    {"Add", importBinary, 2, 2, "add", "model"},
    {"AddV2", importBinary, 2, 2, "add"},
    {"Sub", importBinary, 2, 2, "sub", "model"},
    {"Mul", importBinary, 2, 2, "mul", "model"},
    {"Div", importBinary, 2, 2, "div"},
    {"RealDiv", importBinary, 2, 2, "div", "model"},
    {"TruncateDiv", importBinary, 2, 2, "div"},
    {"FloorDiv", importFloorDiv, 2, 2},
    {"DivNoNan", importDivNoNan, 2, 2},
    {"FloorMod", importBinary, 2, 2, "mod"},
    {"Mod", importBinary, 2, 2, "fmod"},
    {"TruncateMod", importBinary, 2, 2, "fmod"},
    {"Maximum", importBinary, 2, 2, "max"},
    {"Minimum", importBinary, 2, 2, "min"},
    {"Pow", importBinary, 2, 2, "pow"},
    {"SquaredDifference", importSquaredDifference, 2, 2},
    {"AddN", importAddN, 1, kAny},
    {"BiasAdd", importBiasAdd, 2, 2, "", "model"},
    {"BiasAddV1", importBiasAdd, 2, 2},
    {"ClipByValue", importClip, 3, 3},
    {"Equal", importBinary, 2, 2, "equal"},
    {"NotEqual", importNotEqual, 2, 2},
    {"Less", importBinary, 2, 2, "less"},
    {"LessEqual", importBinary, 2, 2, "less_equal"},
    {"Greater", importBinary, 2, 2, "greater"},
    {"GreaterEqual", importBinary, 2, 2, "greater_equal"},
    {"LogicalAnd", importBinary, 2, 2, "and"},
    {"LogicalOr", importBinary, 2, 2, "or"},
    {"LogicalNot", importUnary, 1, 1, "not"},
    {"Select", importSelect, 3, 3},
    {"SelectV2", importSelect, 3, 3},
    {"Cast", importCast, 1, 1},
    {"Neg", importUnary, 1, 1, "neg", "model"},
    {"Abs", importUnary, 1, 1, "abs", "model"},
    {"Sign", importUnary, 1, 1, "sign"},
    {"Exp", importUnary, 1, 1, "exp", "model"},
    {"Log", importUnary, 1, 1, "log"},
    {"Sqrt", importUnary, 1, 1, "sqrt"},
    {"Rsqrt", importUnary, 1, 1, "rsqrt"},
    {"Square", importUnary, 1, 1, "square"},
    {"Reciprocal", importUnary, 1, 1, "reciprocal"},
    {"Inv", importUnary, 1, 1, "reciprocal"},
    {"Floor", importUnary, 1, 1, "floor"},
    {"Ceil", importUnary, 1, 1, "ceil"},
    {"Round", importUnary, 1, 1, "round"},
    {"Rint", importUnary, 1, 1, "round"},
    {"Sin", importUnary, 1, 1, "sin"},
    {"Cos", importUnary, 1, 1, "cos"},
    {"Tan", importUnary, 1, 1, "tan"},
    {"Asin", importUnary, 1, 1, "asin"},
    {"Acos", importUnary, 1, 1, "acos"},
    {"Atan", importUnary, 1, 1, "atan"},
    {"Sinh", importUnary, 1, 1, "sinh"},
    {"Cosh", importUnary, 1, 1, "cosh"},
    {"Asinh", importUnary, 1, 1, "asinh"},
    {"Acosh", importUnary, 1, 1, "acosh"},
    {"Atanh", importUnary, 1, 1, "atanh"},
    {"Erf", importUnary, 1, 1, "erf"},
    {"IsNan", importUnary, 1, 1, "is_nan"},
    {"IsInf", importIsInf, 1, 1},
    {"IsFinite", importIsFinite, 1, 1},
    {"Identity", importIdentity, 1, 1, "", "model"},
    {"IdentityN", importIdentityN, 1, kAny},
    {"ReadVariableOp", importIdentity, 1, 1, "", "model"},
    {"StopGradient", importIdentity, 1, 1},
    {"PreventGradient", importIdentity, 1, 1},
    {"CheckNumerics", importIdentity, 1, 1},
    {"EnsureShape", importIdentity, 1, 1},
    {"Snapshot", importIdentity, 1, 1},
    {"PlaceholderWithDefault", importIdentity, 1, 1},
    {"Print", importIdentity, 1, kAny},
};
} // namespace

const OperatorTable<OperatorRow> kElementwiseOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
