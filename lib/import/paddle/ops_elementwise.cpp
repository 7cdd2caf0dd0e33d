// Two operands with Paddle's axis rule, comparisons, logic, sums, scale, clip, cast, where.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"

#include <cmath>
#include <cstring>
#include <fmt/format.h>

namespace burin::paddle {

namespace {
const char* variantOf(const Node& n) { return operators().find(n.type())->variant; }

void importBinary(Node& n) {
  auto [x, y] = alignedOperands(n, n.in("X"), n.in("Y"));
  n.set("Out", activation(n, n->binary(variantOf(n), x, y), n.text("fuse_activation")));
}

// Floor division; on integers the operation truncates, which differs for operands of different signs.
void importFloorDiv(Node& n) {
  auto [x, y] = alignedOperands(n, n.in("X"), n.in("Y"));
  if (!x || RuleContext::isFloat(x)) return n.set("Out", n->unary("floor", n->div(x, y)));
  Value remainder = n->binary("mod", x, y); // has the divisor's sign
  n.set("Out", n->div(n->sub(x, remainder), y));
}

void importNotEqual(Node& n) {
  auto [x, y] = alignedOperands(n, n.in("X"), n.in("Y"));
  n.set("Out", n->unary("not", n->binary("equal", x, y)));
}

void importNot(Node& n) { n.set("Out", n->unary(variantOf(n), n.in("X"))); }

void importSum(Node& n) {
  std::vector<Value> xs = n.list("X");
  if (xs.empty()) return n->invalid("it has nothing to add");
  Value sum = xs.front();
  for (size_t i = 1; i < xs.size(); ++i) sum = n->add(sum, xs[i]);
  n.set("Out", sum);
}

// scale * x + bias, or scale * (x + bias).
void importScale(Node& n) {
  auto scale = n.realOr("scale", 1.0f, "ScaleTensor");
  if (!scale) return;
  Value x = n.in("X");
  float bias = n.real("bias");
  bool after = n.flag("bias_after_scale", true);
  auto shift = [&] { x = bias != 0 ? n->add(x, n->scalarLike(bias, x)) : x; };
  if (!after) shift();
  if (*scale != 1) x = n->mul(x, n->scalarLike(*scale, x));
  if (after) shift();
  n.set("Out", x);
}

void importClip(Node& n) {
  auto low = n.realOr("min", 0, "Min"), high = n.realOr("max", 0, "Max");
  if (!low || !high) return;
  Value x = n.in("X");
  if (RuleContext::isFloat(x)) return n.set("Out", n->unary("clip", x, *low, *high));
  n.set("Out", n->binary("min", n->binary("max", x, n->scalarLike(*low, x)), n->scalarLike(*high, x)));
}

void importCast(Node& n) {
  auto dtype = elementType(static_cast<int32_t>(n.integer("out_dtype", paddlepb::VarType::FP32)));
  if (!dtype) return n->fail(dtype.error());
  n.set("Out", n->cast(n.in("X"), *dtype));
}

void importPow(Node& n) {
  Value x = n.in("X");
  auto factor = n.realOr("factor", 1.0f, "FactorTensor");
  if (!factor) return;
  n.set("Out", *factor == 2 && RuleContext::isFloat(x) ? n->unary("square", x)
                                                       : n->binary("pow", x, n->scalarLike(*factor, x)));
}

// A constant condition of one element takes a whole operand: what is left of a branch.
void importWhere(Node& n) {
  Value condition = n.in("Condition");
  if (condition && nn::isConstant(condition) && product(RuleContext::dims(condition), 0, rt::kMaxRank) == 1)
    return n.set("Out", nn::constantInts(condition).front() ? n.in("X") : n.in("Y"));
  n.set("Out", n->select(condition, n.in("X"), n.in("Y")));
}

// The results of the branches, by the number of the one that ran.
void importSelectInput(Node& n) {
  Value mask = n.in("Mask");
  std::vector<Value> xs = n.list("X");
  if (!mask || xs.empty()) return n->invalid("it has nothing to select from");
  if (nn::isConstant(mask)) {
    auto at = n->constantInt(n.position("Mask"), "mask");
    if (at && (*at < 0 || *at >= static_cast<int64_t>(xs.size())))
      return n->invalid("its mask is out of range");
    return at ? n.set("Out", xs[static_cast<size_t>(*at)]) : void();
  }
  if (xs.size() != 2 || RuleContext::dims(xs[0]) != RuleContext::dims(xs[1]))
    return n->unsupported("its branches have different shapes", "export the model without the branch");
  n.set("Out", n->select(n->cast(n->reshape(mask, {}), rt::DType::Bool), xs[1], xs[0]));
}

void importIdentity(Node& n) { n.set("Out", n.in("X")); }

const OperatorRow kRows[] = {
    {"elementwise_add", importBinary, "add", "model"},
    {"elementwise_sub", importBinary, "sub"},
    {"elementwise_mul", importBinary, "mul", "model"},
    {"elementwise_div", importBinary, "div"},
    {"elementwise_max", importBinary, "max"},
    {"elementwise_min", importBinary, "min"},
    {"elementwise_pow", importBinary, "pow"},
    {"elementwise_mod", importBinary, "mod"},
    {"elementwise_floordiv", importFloorDiv},
    {"grad_add", importBinary, "add"},
    {"maximum", importBinary, "max"},
    {"minimum", importBinary, "min"},
    {"equal", importBinary, "equal"},
    {"not_equal", importNotEqual},
    {"less_than", importBinary, "less"},
    {"less_equal", importBinary, "less_equal"},
    {"greater_than", importBinary, "greater"},
    {"greater_equal", importBinary, "greater_equal"},
    {"logical_and", importBinary, "and"},
    {"logical_or", importBinary, "or"},
    {"logical_xor", importBinary, "xor"},
    {"logical_not", importNot, "not"},
    {"bitwise_and", importBinary, "bit_and"},
    {"bitwise_or", importBinary, "bit_or"},
    {"bitwise_xor", importBinary, "bit_xor"},
    {"bitwise_not", importNot, "bit_not"},
    {"isnan_v2", importNot, "is_nan"},
    {"sum", importSum},
    {"scale", importScale, "", "model"},
    {"clip", importClip},
    {"cast", importCast},
    {"pow", importPow},
    {"where", importWhere},
    {"select_input", importSelectInput},
    {"assign", importIdentity},
    {"share_data", importIdentity},
    {"memcpy", importIdentity},
};
} // namespace

const OperatorTable<OperatorRow> kElementwiseOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle
