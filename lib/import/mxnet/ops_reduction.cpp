// Reductions, extrema, topk, norms, matrix products.
#include "lib/import/mxnet/operators.h"
#include "lib/import/mxnet/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::mxnet {

namespace {
// axis: none, one or several; exclude: all but these.
Ints reducedAxes(Node& n) {
  int64_t rank = RuleContext::rank(n.x());
  Ints named = n->axes(n.ints("axis"), rank), axes;
  if (named.empty()) return allAxes(rank);
  if (!n.flag("exclude")) return named;
  for (int64_t i = 0; i < rank; ++i)
    if (std::find(named.begin(), named.end(), i) == named.end()) axes.push_back(i);
  return axes;
}

// There are no scalars: a full reduction is a vector of one element.
Value asVector(Node& n, Value v) { return v && RuleContext::rank(v) == 0 ? n->reshape(v, {1}) : v; }

void importReduce(Node& n) {
  n->set(0, asVector(n, n->reduce(n.row().variant, n.x(), reducedAxes(n), n.flag("keepdims"))));
}

void importNorm(Node& n) {
  int64_t order = n.integer("ord", 2);
  if (order != 1 && order != 2)
    return n->unsupported(fmt::format("a norm of order {} is not supported", order));
  n->set(0, asVector(n, n->reduce(order == 1 ? "l1" : "l2", n.x(), reducedAxes(n), n.flag("keepdims"))));
}

// Indices come as floats here.
void importArg(Node& n) {
  Value x = n.x();
  auto axis = n.optionalInt("axis");
  if (n.row().name == std::string("argmax_channel")) axis = 1;
  if (!axis) x = n->reshape(x, {product(RuleContext::dims(x))});
  Value y = n->emit("arg_reduce", {x},
                    n->attrs()
                        .s("fn", n.row().variant)
                        .i("axis", n->axis(axis.value_or(0), RuleContext::rank(x)))
                        .b("keep_dims", n.flag("keepdims")));
  n->set(0, asVector(n, n->cast(y, rt::DType::F32)));
}

// ret_typ: indices (the default), value, both, or a mask of the chosen places.
void importTopK(Node& n) {
  Value x = n.x();
  int64_t axis = n.integer("axis", -1);
  if (n.saysNone("axis")) x = n->reshape(x, {product(RuleContext::dims(x))}), axis = 0;
  int64_t at = n->axis(axis, RuleContext::rank(x)), k = n.integer("k", 1);
  if (n->failed() || RuleContext::rank(x) == 0) return n->invalid("its input is a scalar");
  int64_t size = RuleContext::dims(x)[static_cast<size_t>(at)];
  bool isSort = n.row().variant[0] != 0;
  if (k < 1 || isSort) k = size;
  bool ascending = n.flag("is_ascend", isSort);
  auto results = n->emitAll("topk", {x}, n->attrs().i("k", k).i("axis", at).b("largest", !ascending));
  auto dtype = n.dtype("dtype", rt::DType::F32);
  if (results.size() != 2 || !dtype) return;
  std::string wanted = isSort ? n.row().variant : n.text("ret_typ", "indices");
  Value indices = n->cast(results[1], *dtype);
  if (wanted == "indices") return n->set(0, indices);
  if (wanted == "mask") {
    Value zeros = n->mul(x, n->scalarLike(0, x)),
          ones = n->add(n->mul(results[0], n->scalarLike(0, x)), n->scalarLike(1, x));
    return n->set(0, n->emit("scatter_elements", {zeros, results[1], ones},
                             n->attrs().i("axis", at).s("reduction", "none")));
  }
  n->set(0, results[0]);
  if (wanted == "both") n->set(1, indices);
}

// The last axis of one and the first of the other; more than matrices are flattened around it.
void importDot(Node& n) {
  Value a = n.x(), b = n->in(1);
  bool transA = n.flag("transpose_a"), transB = n.flag("transpose_b");
  Ints left = RuleContext::dims(a), right = RuleContext::dims(b);
  if (left.empty() || right.empty()) return n->invalid("it has a scalar operand");
  if (left.size() > 2 || right.size() > 2) {
    if (transA || transB)
      return n->unsupported("transposed products of more than matrices are not supported");
    int64_t inner = left.back();
    Ints shape(left.begin(), left.end() - 1);
    shape.insert(shape.end(), right.begin() + 1, right.end());
    a = n->reshape(a, {product(left, 0, left.size() - 1), inner});
    b = n->reshape(b, {right.front(), product(right, 1)});
    return n->set(0, n->reshape(n->matmul(a, b), shape));
  }
  Value y =
      n->emit("matmul", {a, b, n->none()},
              n->attrs().b("trans_a", transA && left.size() == 2).b("trans_b", transB && right.size() == 2));
  n->set(0, asVector(n, y));
}

void importBatchDot(Node& n) {
  Value y = n->emit("matmul", {n.x(), n->in(1), n->none()},
                    n->attrs().b("trans_a", n.flag("transpose_a")).b("trans_b", n.flag("transpose_b")));
  if (float alpha = n.real("alpha", 1); alpha != 1) y = n->mul(y, n->scalarLike(alpha, y));
  n->set(0, y);
}

void importCumsum(Node& n) {
  Value x = n.x();
  auto axis = n.optionalInt("axis");
  if (!axis) x = n->reshape(x, {product(RuleContext::dims(x))});
  n->set(0, n->emit("cumsum", {x},
                    n->attrs()
                        .i("axis", n->axis(axis.value_or(0), RuleContext::rank(x)))
                        .b("exclusive", false)
                        .b("reverse", false)));
}

const OperatorRow kRows[] = {
    {"sum", importReduce, "sum"},
    {"sum_axis", importReduce, "sum"},
    {"mean", importReduce, "mean"},
    {"max", importReduce, "max"},
    {"max_axis", importReduce, "max"},
    {"min", importReduce, "min"},
    {"min_axis", importReduce, "min"},
    {"prod", importReduce, "prod"},
    {"norm", importNorm},
    {"argmax", importArg, "max"},
    {"argmin", importArg, "min"},
    {"argmax_channel", importArg, "max"},
    {"topk", importTopK},
    {"sort", importTopK, "value"},
    {"argsort", importTopK, "indices"},
    {"dot", importDot},
    {"batch_dot", importBatchDot},
    {"_linalg_gemm2", importBatchDot},
    {"linalg_gemm2", importBatchDot},
    {"cumsum", importCumsum},
    {"_np_cumsum", importCumsum},
};
} // namespace

const OperatorTable<OperatorRow> kReductionOperators = {kRows, std::size(kRows)};

} // namespace burin::mxnet
