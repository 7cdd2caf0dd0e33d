// Arithmetic, comparisons and functions of single elements.
#include "lib/import/torch/rules.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace burin::torch {

namespace {
using rt::DType;

int categoryOf(DType t) { return t == DType::Bool ? 0 : rt::isInteger(t) ? 1 : 2; }

// Within a category the wider type; signed where u8 meets a signed type; f32 where the two halves meet.
DType wider(DType a, DType b) {
  if (a == b) return a;
  if (categoryOf(a) != categoryOf(b)) return categoryOf(a) > categoryOf(b) ? a : b;
  if (rt::isFloat(a)) return DType::F32;
  if (rt::dtypeBytes(a) != rt::dtypeBytes(b)) return rt::dtypeBytes(a) > rt::dtypeBytes(b) ? a : b;
  return DType::I16; // u8 and i8
}
} // namespace

// Tensors with dimensions decide; one without dimensions, or a number, only when it is of a higher category.
DType commonType(Call& c, const std::vector<Data>& operands) {
  std::optional<DType> found[3];
  for (const Data& d : operands) {
    Value v = c.number(d);
    if (!v) continue;
    auto& level = found[!pointer<Tensor>(d) ? 2 : Call::rank(v) == 0 ? 1 : 0];
    level = level ? wider(*level, Call::dtype(v)) : Call::dtype(v);
  }
  std::optional<DType> type;
  for (const auto& level : found)
    if (level && (!type || categoryOf(*level) > categoryOf(*type))) type = level;
  return type.value_or(DType::F32);
}

std::pair<Value, Value> promoted(Call& c, const Data& a, const Data& b) {
  DType type = commonType(c, {a, b});
  return {c.cast(c.number(a), type), c.cast(c.number(b), type)};
}

Value asFloat(Call& c, Value x) { return !x || Call::isFloat(x) ? x : c.cast(x, DType::F32); }

namespace {
Value timesAlpha(Call& c, Value x) {
  const Data& alpha = c.data("alpha");
  if (realOf(alpha) == 1.0) return x;
  return c.mul(x, c.cast(c.number(alpha), Call::dtype(x)));
}

void addOrSubtract(Call& c) {
  auto [a, b] = promoted(c, c.data("self"), c.data("other"));
  if (!a || !b) return;
  if (isVariant(c, "rsub")) return c.give(c.sub(b, timesAlpha(c, a)));
  b = timesAlpha(c, b);
  c.give(isVariant(c, "sub") ? c.sub(a, b) : c.add(a, b));
}

void binary(Call& c) {
  auto [a, b] = promoted(c, c.data("self"), c.data("other"));
  c.give(c.binary(c.variant(), a, b));
}

void compare(Call& c) {
  auto [a, b] = promoted(c, c.data("self"), c.data("other"));
  Value same = c.binary(isVariant(c, "not_equal") ? "equal" : c.variant(), a, b);
  c.give(isVariant(c, "not_equal") ? c.unary("not", same) : same);
}

void logical(Call& c) {
  Value a = c.cast(c.operand("self"), DType::Bool), b = c.cast(c.operand("other"), DType::Bool);
  c.give(c.binary(c.variant(), a, b));
}
void logicalNot(Call& c) { c.give(c.unary("not", c.cast(c.tensor("self"), DType::Bool))); }

// & and | of integers, or of bools.
void bitwise(Call& c) {
  auto [a, b] = promoted(c, c.data("self"), c.data("other"));
  std::string name = c.variant();
  c.give(c.binary(Call::dtype(a) == DType::Bool ? name.c_str() : ("bit_" + name).c_str(), a, b));
}
void bitwiseNot(Call& c) {
  Value x = c.tensor("self");
  c.give(c.unary(Call::dtype(x) == DType::Bool ? "not" : "bit_not", x));
}

Value floorQuotient(Call& c, Value a, Value b) {
  if (Call::isFloat(a)) return c.unary("floor", c.div(a, b));
  // Integer division truncates: the remainder with the divisor's sign goes off first.
  return c.div(c.sub(a, c.binary("mod", a, b)), b);
}

void divide(Call& c) {
  const std::string rounding = c.string("rounding_mode");
  auto [a, b] = promoted(c, c.data("self"), c.data("other"));
  if (rounding == "floor") return c.give(floorQuotient(c, a, b));
  if (rounding == "trunc" && !Call::isFloat(a)) return c.give(c.div(a, b));
  Value quotient = c.div(asFloat(c, a), asFloat(c, b));
  if (rounding.empty()) return c.give(quotient);
  c.give(c.mul(c.unary("sign", quotient), c.unary("floor", c.unary("abs", quotient))));
}
void floorDivide(Call& c) {
  auto [a, b] = promoted(c, c.data("self"), c.data("other"));
  c.give(floorQuotient(c, a, b));
}

void power(Call& c) {
  auto exponent = realOf(c.data("exponent"));
  Value x = c.isTensor("self") ? c.tensor("self") : Value();
  if (x && exponent && Call::isFloat(x)) {
    if (*exponent == 1) return c.giveSame("self");
    if (*exponent == 2) return c.give(c.unary("square", x));
    if (*exponent == 0.5) return c.give(c.unary("sqrt", x));
    if (*exponent == -0.5) return c.give(c.unary("rsqrt", x));
    if (*exponent == -1) return c.give(c.unary("reciprocal", x));
  }
  auto [a, b] = promoted(c, c.data("self"), c.data("exponent"));
  c.give(c.binary("pow", a, b));
}

void unary(Call& c) { c.give(c.unary(c.variant(), asFloat(c, c.tensor("self")))); }
void unaryAnyType(Call& c) { c.give(c.unary(c.variant(), c.tensor("self"))); }
void rounded(Call& c) { // of integers: themselves
  if (!Call::isFloat(c.tensor("self"))) return c.giveSame("self");
  unaryAnyType(c);
}
void truncate(Call& c) {
  Value x = c.tensor("self");
  c.give(c.mul(c.unary("sign", x), c.unary("floor", c.unary("abs", x))));
}
void isInfinite(Call& c) { c.give(c.unary("is_inf", c.tensor("self"), 1, 1)); }
void isNotANumber(Call& c) { c.give(c.unary("is_nan", c.tensor("self"))); }

// Logarithms of other bases, and those of numbers near one.
void logarithm(Call& c) {
  Value x = asFloat(c, c.tensor("self"));
  if (isVariant(c, "log1p")) return c.give(c.unary("log", c.add(x, c.scalarLike(1, x))));
  if (isVariant(c, "expm1")) return c.give(c.sub(c.unary("exp", x), c.scalarLike(1, x)));
  double base = isVariant(c, "log2") ? 2 : 10;
  c.give(c.mul(c.unary("log", x), c.scalarLike(1 / std::log(base), x)));
}

//===-- composed of others
//---------------------------------------------------------------------------------------===//

Value number(Call& c, double value, Value like) { return c.scalarLike(value, like); }

void complementaryErf(Call& c) {
  Value x = asFloat(c, c.tensor("self"));
  c.give(c.sub(number(c, 1, x), c.unary("erf", x)));
}
void times(Call& c, double factor) {
  Value x = asFloat(c, c.tensor("self"));
  c.give(c.mul(x, number(c, factor, x)));
}
void toRadians(Call& c) { times(c, M_PI / 180); }
void toDegrees(Call& c) { times(c, 180 / M_PI); }
void powerOfTwo(Call& c) {
  Value x = asFloat(c, c.tensor("self"));
  c.give(c.binary("pow", number(c, 2, x), x));
}
void logit(Call& c) { // log(x / (1 - x)), x kept eps away from 0 and 1
  Value x = asFloat(c, c.tensor("self"));
  if (c.given("eps")) {
    const auto eps = static_cast<float>(c.real("eps"));
    x = c.unary("clip", x, eps, 1 - eps);
  }
  c.give(c.unary("log", c.div(x, c.sub(number(c, 1, x), x))));
}
void fraction(Call& c) {
  Value x = c.tensor("self");
  c.give(c.sub(x, c.mul(c.unary("sign", x), c.unary("floor", c.unary("abs", x)))));
}
void isFinite(Call& c) {
  Value x = c.tensor("self");
  c.give(c.unary("not", c.binary("or", c.unary("is_nan", x), c.unary("is_inf", x, 1, 1))));
}
void nanToNumber(Call& c) {
  Value x = c.tensor("self");
  constexpr double kMost = std::numeric_limits<float>::max();
  auto replaced = [&](Value where, const char* by, double fallback) {
    x = c.select(where, number(c, c.given(by) ? c.real(by) : fallback, x), x);
  };
  Value input = x;
  replaced(c.unary("is_nan", input), "nan", 0);
  replaced(c.unary("is_inf", input, 0, 1), "posinf", kMost);
  replaced(c.unary("is_inf", input, 1, 0), "neginf", -kMost);
  c.give(x);
}
void logAddExp(Call& c) { // max + log(1 + exp(-|a - b|))
  auto [a, b] = promoted(c, c.data("self"), c.data("other"));
  Value distance = c.unary("neg", c.unary("abs", c.sub(a, b)));
  c.give(c.add(c.binary("max", a, b), c.unary("softplus", distance)));
}
void hypotenuse(Call& c) {
  auto [a, b] = promoted(c, c.data("self"), c.data("other"));
  c.give(c.unary("sqrt", c.add(c.unary("square", a), c.unary("square", b))));
}
void copySign(Call& c) {
  auto [a, b] = promoted(c, c.data("self"), c.data("other"));
  Value size = c.unary("abs", a);
  c.give(c.select(c.binary("less", b, number(c, 0, b)), c.unary("neg", size), size));
}
void stepFunction(Call& c) { // 0 below zero, 1 above, `values` at it
  auto [x, values] = promoted(c, c.data("self"), c.data("values"));
  Value zero = number(c, 0, x), above = c.cast(c.binary("greater", x, zero), Call::dtype(x));
  c.give(c.select(c.binary("equal", x, zero), values, above));
}
// The angle of (x, y): atan(y / x), turned by half a circle where x is negative.
void angle(Call& c) {
  auto [y, x] = promoted(c, c.data("self"), c.data("other"));
  Value zero = number(c, 0, x), onAxis = c.binary("equal", x, zero);
  Value turned =
      c.mul(c.select(c.binary("less", y, zero), number(c, -1, x), number(c, 1, x)), number(c, M_PI, x));
  Value slope = c.unary("atan", c.div(y, c.select(onAxis, number(c, 1, x), x)));
  Value beside = c.select(c.binary("less", x, zero), c.add(slope, turned), slope);
  c.give(c.select(onAxis, c.mul(c.unary("sign", y), number(c, M_PI / 2, x)), beside));
}

void where(Call& c) {
  auto [a, b] = promoted(c, c.data("self"), c.data("other"));
  c.give(c.select(c.cast(c.tensor("condition"), DType::Bool), a, b));
}
void maskedFill(Call& c) {
  Value x = c.tensor("self");
  c.give(c.select(c.cast(c.tensor("mask"), DType::Bool), c.cast(c.operand("value"), Call::dtype(x)), x));
}

// self + value * (a * b), or a / b.
void addProduct(Call& c) {
  Value x = c.tensor("self"), a = c.tensor("tensor1"), b = c.tensor("tensor2");
  Value term = isVariant(c, "div") ? c.div(a, b) : c.mul(a, b);
  if (c.real("value") != 1) term = c.mul(term, c.scalarLike(c.real("value"), term));
  c.give(c.add(x, term));
}
void interpolateBetween(Call& c) {
  Value a = c.tensor("self"), b = c.tensor("end");
  c.give(c.add(a, c.mul(c.cast(c.operand("weight"), Call::dtype(a)), c.sub(b, a))));
}

const OperatorRow kRows[] = {
    {"add(Tensor self, Tensor other, *, Scalar alpha=1)", addOrSubtract, "add"},
    {"add(Tensor self, Scalar other, Scalar alpha=1)", addOrSubtract, "add"},
    {"sub(Tensor self, Tensor other, *, Scalar alpha=1)", addOrSubtract, "sub"},
    {"sub(Tensor self, Scalar other, Scalar alpha=1)", addOrSubtract, "sub"},
    {"subtract(Tensor self, any other, *, Scalar alpha=1)", addOrSubtract, "sub"},
    {"rsub(Tensor self, Tensor other, *, Scalar alpha=1)", addOrSubtract, "rsub"},
    {"rsub(Tensor self, Scalar other, Scalar alpha=1)", addOrSubtract, "rsub"},
    {"mul(Tensor self, Tensor other)", binary, "mul"},
    {"mul(Tensor self, Scalar other)", binary, "mul"},
    {"multiply(Tensor self, any other)", binary, "mul"},
    {"maximum(Tensor self, Tensor other)", binary, "max"},
    {"minimum(Tensor self, Tensor other)", binary, "min"},
    {"max(Tensor self, Tensor other)", binary, "max"},
    {"min(Tensor self, Tensor other)", binary, "min"},
    {"remainder(Tensor self, Tensor other)", binary, "mod"},
    {"remainder(Tensor self, Scalar other)", binary, "mod"},
    {"fmod(Tensor self, Tensor other)", binary, "fmod"},
    {"fmod(Tensor self, Scalar other)", binary, "fmod"},
    {"div(Tensor self, Tensor other, *, str? rounding_mode=None)", divide},
    {"div(Tensor self, Scalar other, *, str? rounding_mode=None)", divide},
    {"divide(Tensor self, any other, *, str? rounding_mode=None)", divide},
    {"true_divide(Tensor self, any other, *, str? rounding_mode=None)", divide},
    {"floor_divide(Tensor self, Tensor other)", floorDivide},
    {"floor_divide(Tensor self, Scalar other)", floorDivide},
    {"pow(Tensor self, Tensor exponent)", power},
    {"pow(Tensor self, Scalar exponent)", power},
    {"pow(Scalar self, Tensor exponent)", power},
    {"eq(Tensor self, Tensor other)", compare, "equal"},
    {"eq(Tensor self, Scalar other)", compare, "equal"},
    {"ne(Tensor self, Tensor other)", compare, "not_equal"},
    {"ne(Tensor self, Scalar other)", compare, "not_equal"},
    {"lt(Tensor self, Tensor other)", compare, "less"},
    {"lt(Tensor self, Scalar other)", compare, "less"},
    {"le(Tensor self, Tensor other)", compare, "less_equal"},
    {"le(Tensor self, Scalar other)", compare, "less_equal"},
    {"gt(Tensor self, Tensor other)", compare, "greater"},
    {"gt(Tensor self, Scalar other)", compare, "greater"},
    {"ge(Tensor self, Tensor other)", compare, "greater_equal"},
    {"ge(Tensor self, Scalar other)", compare, "greater_equal"},
    {"logical_and(Tensor self, Tensor other)", logical, "and"},
    {"logical_or(Tensor self, Tensor other)", logical, "or"},
    {"logical_xor(Tensor self, Tensor other)", logical, "xor"},
    {"logical_not(Tensor self)", logicalNot},
    {"bitwise_and(Tensor self, any other)", bitwise, "and"},
    {"bitwise_or(Tensor self, any other)", bitwise, "or"},
    {"bitwise_xor(Tensor self, any other)", bitwise, "xor"},
    {"__and__(Tensor self, any other)", bitwise, "and"},
    {"__or__(Tensor self, any other)", bitwise, "or"},
    {"__xor__(Tensor self, any other)", bitwise, "xor"},
    {"bitwise_not(Tensor self)", bitwiseNot},
    {"neg(Tensor self)", unaryAnyType, "neg"},
    {"abs(Tensor self)", unaryAnyType, "abs"},
    {"sign(Tensor self)", unaryAnyType, "sign"},
    {"square(Tensor self)", unaryAnyType, "square"},
    {"floor(Tensor self)", rounded, "floor"},
    {"ceil(Tensor self)", rounded, "ceil"},
    {"round(Tensor self)", rounded, "round"},
    {"trunc(Tensor self)", truncate},
    {"exp(Tensor self)", unary, "exp"},
    {"log(Tensor self)", unary, "log"},
    {"sqrt(Tensor self)", unary, "sqrt"},
    {"rsqrt(Tensor self)", unary, "rsqrt"},
    {"reciprocal(Tensor self)", unary, "reciprocal"},
    {"erf(Tensor self)", unary, "erf"},
    {"sin(Tensor self)", unary, "sin"},
    {"cos(Tensor self)", unary, "cos"},
    {"tan(Tensor self)", unary, "tan"},
    {"asin(Tensor self)", unary, "asin"},
    {"acos(Tensor self)", unary, "acos"},
    {"atan(Tensor self)", unary, "atan"},
    {"sinh(Tensor self)", unary, "sinh"},
    {"cosh(Tensor self)", unary, "cosh"},
    {"tanh(Tensor self)", unary, "tanh"},
    {"sigmoid(Tensor self)", unary, "sigmoid"},
    {"asinh(Tensor self)", unary, "asinh"},
    {"acosh(Tensor self)", unary, "acosh"},
    {"atanh(Tensor self)", unary, "atanh"},
    {"erfc(Tensor self)", complementaryErf},
    {"exp2(Tensor self)", powerOfTwo},
    {"deg2rad(Tensor self)", toRadians},
    {"rad2deg(Tensor self)", toDegrees},
    {"logit(Tensor self, float? eps=None)", logit},
    {"frac(Tensor self)", fraction},
    {"isfinite(Tensor self)", isFinite},
    {"nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None)", nanToNumber},
    {"logaddexp(Tensor self, Tensor other)", logAddExp},
    {"hypot(Tensor self, Tensor other)", hypotenuse},
    {"copysign(Tensor self, any other)", copySign},
    {"heaviside(Tensor self, Tensor values)", stepFunction},
    {"atan2(Tensor self, Tensor other)", angle},
    {"arctan2(Tensor self, Tensor other)", angle},
    {"sgn(Tensor self)", unaryAnyType, "sign"},
    {"log1p(Tensor self)", logarithm, "log1p"},
    {"expm1(Tensor self)", logarithm, "expm1"},
    {"log2(Tensor self)", logarithm, "log2"},
    {"log10(Tensor self)", logarithm, "log10"},
    {"isnan(Tensor self)", isNotANumber},
    {"isinf(Tensor self)", isInfinite},
    {"where(Tensor condition, Tensor self, Tensor other)", where},
    {"where(Tensor condition, Scalar self, Tensor other)", where},
    {"where(Tensor condition, Tensor self, Scalar other)", where},
    {"where(Tensor condition, Scalar self, Scalar other)", where},
    {"masked_fill(Tensor self, Tensor mask, Scalar value)", maskedFill},
    {"masked_fill(Tensor self, Tensor mask, Tensor value)", maskedFill},
    {"addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1)", addProduct, "mul"},
    {"addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1)", addProduct, "div"},
    {"lerp(Tensor self, Tensor end, Scalar weight)", interpolateBetween},
    {"lerp(Tensor self, Tensor end, Tensor weight)", interpolateBetween},
};
} // namespace

const OperatorTable<OperatorRow> kElementwiseOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
