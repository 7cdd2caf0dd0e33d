// Functions of one operand, under their own names and as act_type of Activation and LeakyReLU.
#include "lib/import/mxnet/operators.h"
#include "lib/import/mxnet/rules.h"

#include <fmt/format.h>

namespace burin::mxnet {

namespace {
void importFunction(Node& n) { n->set(0, n->unary(n.row().variant, n.x())); }

void importIdentity(Node& n) { n->set(0, n.x()); }

void importActivation(Node& n) {
  struct Row {
    const char *type, *fn;
  };
  constexpr Row kTypes[] = {{"relu", "relu"},         {"sigmoid", "sigmoid"},   {"tanh", "tanh"},
                            {"softrelu", "softplus"}, {"softsign", "softsign"}, {"mish", "mish"}};
  std::string type = n.text("act_type");
  for (const Row& row : kTypes)
    if (type == row.type) return n->set(0, n->unary(row.fn, n.x()));
  if (type == "log_sigmoid") return n->set(0, n->unary("neg", n->unary("softplus", n->unary("neg", n.x()))));
  n->unsupported(fmt::format("its act_type '{}' is not supported", type));
}

// A slope per channel, or one for all.
Value prelu(Node& n) {
  Value slope = n->in(1);
  Ints dims = RuleContext::dims(n.x());
  int64_t count = product(RuleContext::dims(slope));
  Ints shape(dims.size() > 1 ? dims.size() - 1 : 1, 1);
  shape[0] = count;
  return n->binary("prelu", n.x(), n->reshape(slope, shape));
}

void importLeakyRelu(Node& n) {
  std::string type = n.text("act_type", "leaky");
  float slope = n.real("slope", 0.25f);
  if (type == "prelu") return n->set(0, prelu(n));
  // While testing, the random slope is the middle of its range.
  if (type == "rrelu") slope = (n.real("lower_bound", 0.125f) + n.real("upper_bound", 0.334f)) / 2;
  if (type == "leaky" || type == "rrelu") return n->set(0, n->unary("leaky_relu", n.x(), slope));
  if (type == "elu") return n->set(0, n->unary("elu", n.x(), slope));
  if (type == "selu") return n->set(0, n->unary("selu", n.x(), 1.67326324f, 1.05070098f));
  if (type == "gelu") return n->set(0, n->unary("gelu", n.x()));
  n->unsupported(fmt::format("its act_type '{}' is not supported", type));
}

void importHardSigmoid(Node& n) {
  n->set(0, n->unary("hard_sigmoid", n.x(), n.real("alpha", 0.2f), n.real("beta", 0.5f)));
}

// Half away from zero; the op rounds half to even.
void importRound(Node& n) {
  Value magnitude = n->unary("floor", n->add(n->unary("abs", n.x()), n->scalarLike(0.5, n.x())));
  n->set(0, n->mul(magnitude, n->unary("sign", n.x())));
}

// Half to the nearest, and down where both are as near: ceil(x - 0.5).
void importRint(Node& n) { n->set(0, n->unary("ceil", n->sub(n.x(), n->scalarLike(0.5, n.x())))); }

void importFix(Node& n) {
  n->set(0, n->mul(n->unary("floor", n->unary("abs", n.x())), n->unary("sign", n.x())));
}

Value logBase(Node& n, double naturalLog) {
  return n->div(n->unary("log", n.x()), n->scalarLike(naturalLog, n.x()));
}
void importLog2(Node& n) { n->set(0, logBase(n, 0.69314718055994531)); }
void importLog10(Node& n) { n->set(0, logBase(n, 2.30258509299404568)); }
void importLog1p(Node& n) { n->set(0, n->unary("log", n->add(n.x(), n->scalarLike(1, n.x())))); }
void importExpm1(Node& n) { n->set(0, n->sub(n->unary("exp", n.x()), n->scalarLike(1, n.x()))); }
void importLogicalNot(Node& n) {
  n->set(0, n->cast(n->binary("equal", n.x(), n->scalarLike(0, n.x())), RuleContext::dtype(n.x())));
}

// A parabola around zero, lines outside.
void importSmoothL1(Node& n) {
  float sigma = n.real("scalar", 1), square = sigma * sigma;
  Value magnitude = n->unary("abs", n.x());
  Value inner = n->mul(n->unary("square", n.x()), n->scalarLike(0.5 * square, n.x()));
  Value outer = n->sub(magnitude, n->scalarLike(0.5 / static_cast<double>(square), n.x()));
  n->set(0, n->select(n->binary("less", magnitude, n->scalarLike(1.0 / static_cast<double>(square), n.x())),
                      inner, outer));
}

void importDivSqrtDim(Node& n) {
  Ints dims = RuleContext::dims(n.x());
  double size = dims.empty() ? 1 : static_cast<double>(dims.back());
  n->set(0, n->div(n.x(), n->unary("sqrt", n->scalarLike(size, n.x()))));
}

const OperatorRow kRows[] = {
    {"Activation", importActivation, "", "model"},
    {"LeakyReLU", importLeakyRelu, "", "model"},
    {"relu", importFunction, "relu"},
    {"sigmoid", importFunction, "sigmoid"},
    {"tanh", importFunction, "tanh"},
    {"softsign", importFunction, "softsign"},
    {"hard_sigmoid", importHardSigmoid},
    {"exp", importFunction, "exp"},
    {"log", importFunction, "log"},
    {"log2", importLog2},
    {"log10", importLog10},
    {"log1p", importLog1p},
    {"expm1", importExpm1},
    {"sqrt", importFunction, "sqrt"},
    {"rsqrt", importFunction, "rsqrt"},
    {"square", importFunction, "square"},
    {"abs", importFunction, "abs"},
    {"negative", importFunction, "neg"},
    {"reciprocal", importFunction, "reciprocal"},
    {"floor", importFunction, "floor"},
    {"ceil", importFunction, "ceil"},
    {"round", importRound},
    {"rint", importRint},
    {"fix", importFix},
    {"trunc", importFix},
    {"sign", importFunction, "sign"},
    {"erf", importFunction, "erf"},
    {"sin", importFunction, "sin"},
    {"cos", importFunction, "cos"},
    {"tan", importFunction, "tan"},
    {"arcsin", importFunction, "asin"},
    {"arccos", importFunction, "acos"},
    {"arctan", importFunction, "atan"},
    {"sinh", importFunction, "sinh"},
    {"cosh", importFunction, "cosh"},
    {"logical_not", importLogicalNot},
    {"smooth_l1", importSmoothL1},
    {"_contrib_div_sqrt_dim", importDivSqrtDim},
    {"Dropout", importIdentity},
    {"BlockGrad", importIdentity},
    {"stop_gradient", importIdentity},
    {"identity", importIdentity},
    {"_copy", importIdentity},
    {"_identity_with_attr_like_rhs", importIdentity},
    {"MakeLoss", importIdentity},
    {"make_loss", importIdentity},
    {"IdentityAttachKLSparseReg", importIdentity},
};
} // namespace

const OperatorTable<OperatorRow> kUnaryOperators = {kRows, std::size(kRows)};

} // namespace burin::mxnet
