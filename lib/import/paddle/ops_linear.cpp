// Matrix products.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::paddle {

namespace {
// Flattened to a matrix whose rows are the first `split` dimensions.
Value asMatrix(Node& n, Value v, int64_t split) {
  Ints dims = RuleContext::dims(v);
  if (split < 0 || split > static_cast<int64_t>(dims.size())) {
    n->invalid(fmt::format("{} leading dimensions of a tensor of {} cannot be rows", split, dims.size()));
    return {};
  }
  size_t at = static_cast<size_t>(split);
  return n->reshape(v, {product(dims, 0, at), product(dims, at, dims.size())});
}

// x [rows..., columns...] times y [rows..., columns...], both flattened to matrices.
Value flatProduct(Node& n, Value x, Value y, int64_t xSplit, int64_t ySplit, Value bias) {
  Ints shape = RuleContext::dims(x), right = RuleContext::dims(y);
  Value a = asMatrix(n, x, xSplit), b = asMatrix(n, y, ySplit);
  if (n->failed()) return {};
  if (bias) bias = n->reshape(bias, {RuleContext::dims(b)[1]});
  Value product = n->emit("matmul", {a, b, bias ? bias : n->none()}, n->attrs());
  shape.resize(static_cast<size_t>(xSplit));
  shape.insert(shape.end(), right.begin() + ySplit, right.end());
  return n->reshape(product, shape);
}

void importMul(Node& n) {
  n.set("Out", flatProduct(n, n.in("X"), n.in("Y"), n.integer("x_num_col_dims", 1),
                           n.integer("y_num_col_dims", 1), {}));
}

void importFc(Node& n) {
  if (n.flag("padding_weights"))
    return n->unsupported("its weights are padded for one processor", "give the model as it was exported");
  Value y = flatProduct(n, n.in("Input"), n.in("W"), n.integer("in_num_col_dims", 1), 1, n.in("Bias"));
  n.set("Out", activation(n, y, n.text("activation_type")));
}

// A vector is a row on the left, a column on the right; only the old operator transposes it first.
void importMatmul(Node& n) {
  bool old = n.type() == "matmul";
  bool transX = n.flag(old ? "transpose_X" : "trans_x"), transY = n.flag(old ? "transpose_Y" : "trans_y");
  Value x = n.in("X"), y = n.in("Y");
  if (n.integer("head_number", 1) > 1) return n->unsupported("several heads are not supported");
  if (RuleContext::rank(x) == 1) {
    int64_t size = RuleContext::dims(x)[0];
    if (old && transX) x = n->reshape(x, {size, 1});
    transX = false;
  }
  if (RuleContext::rank(y) == 1) {
    int64_t size = RuleContext::dims(y)[0];
    if (old && transY) y = n->reshape(y, {1, size});
    transY = false;
  }
  Value product = n->emit("matmul", {x, y, n->none()}, n->attrs().b("trans_a", transX).b("trans_b", transY));
  if (float alpha = old ? n.real("alpha", 1) : 1; alpha != 1)
    product = n->mul(product, n->scalarLike(alpha, product));
  if (product && RuleContext::rank(product) == 0)
    if (auto declared = n.declaredShape("Out"); declared && declared->size() == 1)
      product = n->reshape(product, {1});
  n.set("Out", product);
}

void importBmm(Node& n) { n.set("Out", n->matmul(n.in("X"), n.in("Y"))); }

void importDot(Node& n) {
  Value product = n->mul(n.in("X"), n.in("Y"));
  int64_t rank = RuleContext::rank(product);
  auto declared = n.declaredShape("Out");
  bool keep = declared && static_cast<int64_t>(declared->size()) == rank;
  n.set("Out", n->reduce("sum", product, {rank - 1}, keep));
}

// alpha x y + beta input
void importAddmm(Node& n) {
  Value y = n->matmul(n.in("X"), n.in("Y")), input = n.in("Input");
  if (float alpha = n.real("Alpha", 1); alpha != 1) y = n->mul(y, n->scalarLike(alpha, y));
  if (float beta = n.real("Beta", 1); beta != 1) input = n->mul(input, n->scalarLike(beta, input));
  n.set("Out", n->add(y, input));
}

const OperatorRow kRows[] = {
    {"mul", importMul},
    {"fc", importFc},
    {"matmul", importMatmul, "", "model"},
    {"matmul_v2", importMatmul, "", "model"},
    {"bmm", importBmm},
    {"mv", importBmm},
    {"dot", importDot},
    {"addmm", importAddmm},
};
} // namespace

const OperatorTable<OperatorRow> kLinearOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle
