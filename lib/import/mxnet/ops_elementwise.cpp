// Two operands with and without broadcasting, operands and numbers, sums, where, clip, cast.
#include "lib/import/mxnet/operators.h"
#include "lib/import/mxnet/rules.h"

#include <string_view>

namespace burin::mxnet {

namespace {
bool isComparison(std::string_view fn) {
  for (const char* name :
       {"equal", "not_equal", "greater", "greater_equal", "less", "less_equal", "and", "or", "xor"})
    if (fn == name) return true;
  return false;
}

// Comparisons and logic give 0 and 1 in the operands' type.
Value combine(Node& n, std::string_view fn, Value a, Value b) {
  if (fn == "hypot") return n->unary("sqrt", n->add(n->unary("square", a), n->unary("square", b)));
  if (!isComparison(fn)) return n->binary(fn.data(), a, b);
  rt::DType type = RuleContext::dtype(a);
  bool isLogic = fn == "and" || fn == "or" || fn == "xor";
  if (isLogic) a = n->cast(a, rt::DType::Bool), b = n->cast(b, rt::DType::Bool);
  Value y = fn == "not_equal" ? n->unary("not", n->binary("equal", a, b)) : n->binary(fn.data(), a, b);
  return n->cast(y, type);
}

void importBinary(Node& n) { n->set(0, combine(n, n.row().variant, n.x(), n->in(1))); }

Value number(Node& n) { return n->scalarLike(n.real("scalar"), n.x()); }
void importScalar(Node& n) { n->set(0, combine(n, n.row().variant, n.x(), number(n))); }
void importReversedScalar(Node& n) { n->set(0, combine(n, n.row().variant, number(n), n.x())); }

void importSum(Node& n) {
  Value sum = n.x();
  for (int i = 1; i < n->inputCount(); ++i) sum = n->add(sum, n->in(i));
  n->set(0, sum);
}

// The condition has the operands' shape, or one entry per row of them.
void importWhere(Node& n) {
  Value condition = n->cast(n.x(), rt::DType::Bool);
  int64_t rank = RuleContext::rank(n->in(1));
  if (RuleContext::rank(condition) == 1 && rank > 1) {
    Ints shape(static_cast<size_t>(rank), 1);
    shape[0] = RuleContext::dims(condition)[0];
    condition = n->reshape(condition, shape);
  }
  n->set(0, n->select(condition, n->in(1), n->in(2)));
}

void importClip(Node& n) {
  Value x = n.x();
  float low = n.real("a_min", -3.4028235e38f), high = n.real("a_max", 3.4028235e38f);
  if (RuleContext::isFloat(x)) return n->set(0, n->unary("clip", x, low, high));
  n->set(0, n->binary("min", n->binary("max", x, n->scalarLike(low, x)), n->scalarLike(high, x)));
}

void importCast(Node& n) {
  if (auto dtype = n.dtype("dtype", RuleContext::dtype(n.x()))) n->set(0, n->cast(n.x(), *dtype));
}

const OperatorRow kRows[] = {
    {"add_n", importSum},
    {"ElementWiseSum", importSum},
    {"_sum", importSum},
    {"where", importWhere},
    {"clip", importClip},
    {"Cast", importCast},
    {"cast", importCast},
    {"amp_cast", importCast},
    {"elemwise_add", importBinary, "add", "model"},
    {"_plus", importBinary, "add"},
    {"_Plus", importBinary, "add"},
    {"_add", importBinary, "add"},
    {"_grad_add", importBinary, "add"},
    {"broadcast_add", importBinary, "add"},
    {"broadcast_plus", importBinary, "add"},
    {"elemwise_sub", importBinary, "sub"},
    {"_minus", importBinary, "sub"},
    {"_Minus", importBinary, "sub"},
    {"_sub", importBinary, "sub"},
    {"broadcast_sub", importBinary, "sub"},
    {"broadcast_minus", importBinary, "sub"},
    {"elemwise_mul", importBinary, "mul"},
    {"_mul", importBinary, "mul"},
    {"_Mul", importBinary, "mul"},
    {"broadcast_mul", importBinary, "mul"},
    {"elemwise_div", importBinary, "div"},
    {"_div", importBinary, "div"},
    {"_Div", importBinary, "div"},
    {"broadcast_div", importBinary, "div"},
    {"_mod", importBinary, "mod"},
    {"broadcast_mod", importBinary, "mod"},
    {"_power", importBinary, "pow"},
    {"_Power", importBinary, "pow"},
    {"broadcast_power", importBinary, "pow"},
    {"_maximum", importBinary, "max"},
    {"_Maximum", importBinary, "max"},
    {"broadcast_maximum", importBinary, "max"},
    {"_minimum", importBinary, "min"},
    {"_Minimum", importBinary, "min"},
    {"broadcast_minimum", importBinary, "min"},
    {"_hypot", importBinary, "hypot"},
    {"broadcast_hypot", importBinary, "hypot"},
    {"_equal", importBinary, "equal"},
    {"broadcast_equal", importBinary, "equal"},
    {"_not_equal", importBinary, "not_equal"},
    {"broadcast_not_equal", importBinary, "not_equal"},
    {"_greater", importBinary, "greater"},
    {"broadcast_greater", importBinary, "greater"},
    {"_greater_equal", importBinary, "greater_equal"},
    {"broadcast_greater_equal", importBinary, "greater_equal"},
    {"_lesser", importBinary, "less"},
    {"broadcast_lesser", importBinary, "less"},
    {"_lesser_equal", importBinary, "less_equal"},
    {"broadcast_lesser_equal", importBinary, "less_equal"},
    {"_logical_and", importBinary, "and"},
    {"broadcast_logical_and", importBinary, "and"},
    {"_logical_or", importBinary, "or"},
    {"broadcast_logical_or", importBinary, "or"},
    {"_logical_xor", importBinary, "xor"},
    {"broadcast_logical_xor", importBinary, "xor"},
    {"_plus_scalar", importScalar, "add"},
    {"_PlusScalar", importScalar, "add"},
    {"_minus_scalar", importScalar, "sub"},
    {"_MinusScalar", importScalar, "sub"},
    {"_rminus_scalar", importReversedScalar, "sub"},
    {"_RMinusScalar", importReversedScalar, "sub"},
    {"_mul_scalar", importScalar, "mul"},
    {"_MulScalar", importScalar, "mul"},
    {"_div_scalar", importScalar, "div"},
    {"_DivScalar", importScalar, "div"},
    {"_rdiv_scalar", importReversedScalar, "div"},
    {"_RDivScalar", importReversedScalar, "div"},
    {"_mod_scalar", importScalar, "mod"},
    {"_rmod_scalar", importReversedScalar, "mod"},
    {"_power_scalar", importScalar, "pow"},
    {"_PowerScalar", importScalar, "pow"},
    {"_rpower_scalar", importReversedScalar, "pow"},
    {"_RPowerScalar", importReversedScalar, "pow"},
    {"_maximum_scalar", importScalar, "max"},
    {"_MaximumScalar", importScalar, "max"},
    {"_minimum_scalar", importScalar, "min"},
    {"_MinimumScalar", importScalar, "min"},
    {"_equal_scalar", importScalar, "equal"},
    {"_not_equal_scalar", importScalar, "not_equal"},
    {"_greater_scalar", importScalar, "greater"},
    {"_greater_equal_scalar", importScalar, "greater_equal"},
    {"_lesser_scalar", importScalar, "less"},
    {"_lesser_equal_scalar", importScalar, "less_equal"},
    {"_logical_and_scalar", importScalar, "and"},
    {"_logical_or_scalar", importScalar, "or"},
    {"_logical_xor_scalar", importScalar, "xor"},
};
} // namespace

const OperatorTable<OperatorRow> kElementwiseOperators = {kRows, std::size(kRows)};

} // namespace burin::mxnet
