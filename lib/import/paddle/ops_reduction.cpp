// Reductions, arg_max, top_k, running sums, norms of vectors.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace burin::paddle {

namespace {
// A full reduction is a vector of one element in older programs and a scalar in newer ones: the declaration
// of the result tells.
Value asDeclared(Node& n, const char* slot, Value v) {
  if (!v || RuleContext::rank(v) != 0) return v;
  auto declared = n.declaredShape(slot);
  return declared && declared->size() == 1 ? n->reshape(v, {1}) : v;
}

std::optional<Ints> reducedAxes(Node& n, Value x) {
  int64_t rank = RuleContext::rank(x);
  auto dims = n.intsOr("dim", "AxisTensor", "AxisTensorList");
  if (!dims) return std::nullopt;
  if (n.flag("reduce_all") || dims->empty()) return allAxes(rank);
  return n->axes(*dims, rank);
}

void importReduce(Node& n) {
  Value x = n.in("X");
  auto axes = reducedAxes(n, x);
  if (!axes) return;
  n.set("Out",
        asDeclared(n, "Out", n->reduce(operators().find(n.type())->variant, x, *axes, n.flag("keep_dim"))));
}

// Booleans: all is a minimum, any a maximum.
void importReduceBool(Node& n) {
  Value x = n.in("X");
  auto axes = reducedAxes(n, x);
  if (!axes) return;
  Value y =
      n->reduce(operators().find(n.type())->variant, n->cast(x, rt::DType::I32), *axes, n.flag("keep_dim"));
  n.set("Out", asDeclared(n, "Out", n->cast(y, rt::DType::Bool)));
}

void importMean(Node& n) {
  Value x = n.in("X");
  n.set("Out", asDeclared(n, "Out", n->reduce("mean", x, allAxes(RuleContext::rank(x)), false)));
}

void importArg(Node& n) {
  Value x = n.in("X");
  auto axis = n.integerOr("axis", -1, "Axis");
  if (!axis) return;
  bool flatten = n.flag("flatten");
  if (flatten) x = n->reshape(x, {product(RuleContext::dims(x), 0, rt::kMaxRank)}), *axis = 0;
  Value y = n->emit("arg_reduce", {x},
                    n->attrs()
                        .s("fn", operators().find(n.type())->variant)
                        .i("axis", n->axis(*axis, RuleContext::rank(x)))
                        .b("keep_dims", n.flag("keepdims")));
  int64_t wanted = n.integer("dtype", paddlepb::VarType::INT64);
  if (wanted == paddlepb::VarType::INT32) y = n->cast(y, rt::DType::I32);
  n.set("Out", flatten ? asDeclared(n, "Out", y) : y);
}

void importTopK(Node& n) {
  Value x = n.in("X");
  auto k = n.integerOr("k", 1, "K");
  if (!k) return;
  auto results = n->emitAll("topk", {x},
                            n->attrs()
                                .i("k", *k)
                                .i("axis", n->axis(n.integer("axis", -1), RuleContext::rank(x)))
                                .b("largest", n.flag("largest", true)));
  if (results.size() != 2) return;
  n.set("Out", results[0]);
  n.set("Indices", results[1]);
}

// A sort is the top of everything.
void importArgsort(Node& n) {
  Value x = n.in("X");
  int64_t axis = n->axis(n.integer("axis", -1), RuleContext::rank(x));
  if (n->failed()) return;
  auto results = n->emitAll("topk", {x},
                            n->attrs()
                                .i("k", RuleContext::dims(x)[static_cast<size_t>(axis)])
                                .i("axis", axis)
                                .b("largest", n.flag("descending")));
  if (results.size() != 2) return;
  n.set("Out", results[0]);
  n.set("Indices", results[1]);
}

void importCumsum(Node& n) {
  Value x = n.in("X");
  if (n.flag("flatten")) x = n->reshape(x, {product(RuleContext::dims(x), 0, rt::kMaxRank)});
  n.set("Out", n->emit("cumsum", {x},
                       n->attrs()
                           .i("axis", n->axis(n.integer("axis", -1), RuleContext::rank(x)))
                           .b("exclusive", n.flag("exclusive"))
                           .b("reverse", n.flag("reverse"))));
}

// (sum |x|^p)^(1/p) along an axis, or of all elements.
void importPNorm(Node& n) {
  Value x = n.in("X");
  float p = n.real("porder", 2);
  bool keep = n.flag("keepdim");
  Ints axes = n.flag("asvector") ? allAxes(RuleContext::rank(x))
                                 : Ints{n->axis(n.integer("axis", -1), RuleContext::rank(x))};
  Value y;
  if (std::isinf(p)) {
    y = n->reduce(p > 0 ? "max" : "min", n->unary("abs", x), axes, keep);
  } else if (p == 1 || p == 2) {
    y = n->reduce(p == 1 ? "l1" : "l2", x, axes, keep);
  } else if (p == 0) {
    Value isZero = n->binary("equal", x, n->scalarLike(0, x));
    y = n->reduce("sum", n->cast(n->unary("not", isZero), RuleContext::dtype(x)), axes, keep);
  } else {
    Value sum = n->reduce("sum", n->binary("pow", n->unary("abs", x), n->scalarLike(p, x)), axes, keep);
    y = n->binary("pow", sum, n->scalarLike(1.0 / static_cast<double>(p), x));
  }
  n.set("Out", asDeclared(n, "Out", y));
}

void importFrobeniusNorm(Node& n) {
  Value x = n.in("X");
  auto axes = reducedAxes(n, x);
  if (axes) n.set("Out", asDeclared(n, "Out", n->reduce("l2", x, *axes, n.flag("keep_dim"))));
}

const OperatorRow kRows[] = {
    {"reduce_mean", importReduce, "mean"},
    {"reduce_sum", importReduce, "sum"},
    {"reduce_max", importReduce, "max"},
    {"reduce_min", importReduce, "min"},
    {"reduce_prod", importReduce, "prod"},
    {"reduce_all", importReduceBool, "min"},
    {"reduce_any", importReduceBool, "max"},
    {"mean", importMean},
    {"arg_max", importArg, "max"},
    {"arg_min", importArg, "min"},
    {"top_k", importTopK},
    {"top_k_v2", importTopK},
    {"argsort", importArgsort},
    {"cumsum", importCumsum},
    {"p_norm", importPNorm},
    {"frobenius_norm", importFrobeniusNorm},
};
} // namespace

const OperatorTable<OperatorRow> kReductionOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle
