// Matrix products, and sums over products.
#include "lib/import/torch/rules.h"

#include "lib/import/einsum.h"

#include <cmath>
#include <fmt/format.h>

namespace burin::torch {

// A constant weight is transposed once, here.
Value emitLinear(Call& c, Value x, Value weight, Value bias) {
  if (!x || !weight) return {};
  if (Call::rank(weight) == 1) { // one output: no axis for it
    Value y = c.squeeze(emitLinear(c, x, c.unsqueeze(weight, 0), {}), Call::rank(x) - 1);
    return bias ? c.add(y, bias) : y;
  }
  Value y = c.matmul(x, c.transpose(weight, {1, 0}));
  return bias ? c.add(y, bias) : y;
}

namespace {
void linear(Call& c) { c.give(emitLinear(c, c.tensor("input"), c.tensor("weight"), c.tensor("bias"))); }

void matrixProduct(Call& c) {
  auto [a, b] = promoted(c, c.data("self"), c.data("other"));
  c.give(c.matmul(a, b));
}

Value scaled(Call& c, Value x, const char* factor) {
  return c.real(factor) == 1 ? x : c.mul(x, c.scalarLike(c.real(factor), x));
}
// beta * self + alpha * (a b)
void addProduct(Call& c) {
  Value y = scaled(c, c.matmul(c.tensor("a"), c.tensor("b")), "alpha");
  c.give(c.real("beta") == 0 ? y : c.add(scaled(c, c.tensor("self"), "beta"), y));
}

void outerProduct(Call& c) {
  c.give(c.mul(c.unsqueeze(c.tensor("self"), 1), c.unsqueeze(c.tensor("other"), 0)));
}

// Sums over the last axis of both.
void innerProduct(Call& c) {
  Value a = c.tensor("self"), b = c.tensor("other");
  if (Call::rank(a) == 0 || Call::rank(b) == 0) return c.give(c.mul(a, b));
  Ints shape = Call::dims(a), other = Call::dims(b);
  const int64_t width = shape.back();
  if (other.back() != width) return c.invalid("its operands have last axes of different lengths");
  shape.pop_back(), other.pop_back();
  Value rows = c.reshape(a, {product(shape), width}), columns = c.reshape(b, {product(other), width});
  shape.insert(shape.end(), other.begin(), other.end());
  c.give(c.reshape(c.matmul(rows, c.transpose(columns, {1, 0})), shape));
}

// Letters for einsum: a, b, c, ...
std::string letters(int64_t count, int64_t first = 0) {
  std::string text;
  for (int64_t i = 0; i < count; ++i) text += static_cast<char>('a' + first + i);
  return text;
}

// Sums over pairs of axes.
void tensorProduct(Call& c) {
  Value a = c.tensor("self"), b = c.tensor("other");
  const Ints left = c.integers("dims_self"), right = c.integers("dims_other");
  const int64_t ranks = Call::rank(a) + Call::rank(b);
  if (left.size() != right.size() || ranks > 20) return c.invalid("it sums over different numbers of axes");
  std::string first = letters(Call::rank(a)), second = letters(Call::rank(b), Call::rank(a)),
              kept = first + second;
  for (size_t i = 0; i < left.size() && !c.failed(); ++i) {
    const auto at = static_cast<size_t>(c.axis(left[i], Call::rank(a))),
               with = static_cast<size_t>(c.axis(right[i], Call::rank(b)));
    if (c.failed()) return;
    std::erase_if(kept, [&](char letter) { return letter == first[at] || letter == second[with]; });
    second[with] = first[at];
  }
  c.give(emitEinsum(c, first + "," + second + "->" + kept, {a, b}));
}

// y[k] = x1 W[k] x2 + b[k] for each row.
void bilinear(Call& c) {
  Value a = c.tensor("input1"), b = c.tensor("input2"), weight = c.tensor("weight");
  if (Call::rank(a) < 1 || Call::rank(weight) != 3) return c.invalid("its operands have too few axes");
  Ints shape = Call::dims(a);
  const int64_t rows = product(Ints(shape.begin(), shape.end() - 1));
  Value y =
      emitEinsum(c, "ni,kij,nj->nk",
                 {c.reshape(a, {rows, shape.back()}), weight, c.reshape(b, {rows, Call::dims(weight)[2]})});
  if (c.given("bias")) y = c.add(y, c.tensor("bias"));
  shape.back() = Call::dims(weight)[0];
  c.give(c.reshape(y, shape));
}

// In three dimensions along `dim`.
void crossProduct(Call& c) {
  Value a = c.tensor("self"), b = c.tensor("other");
  int64_t axis = c.given("dim") ? c.axis(c.integer("dim"), Call::rank(a)) : -1;
  for (int64_t i = 0; axis < 0 && i < Call::rank(a); ++i)
    if (Call::dims(a)[static_cast<size_t>(i)] == 3) axis = i;
  if (c.failed() || axis < 0 || Call::dims(a)[static_cast<size_t>(axis)] != 3)
    return c.invalid("it has no axis of length 3");
  Value ahead = c.constant(Ints{1, 2, 0}), behind = c.constant(Ints{2, 0, 1});
  c.give(c.sub(c.mul(c.gather(a, ahead, axis), c.gather(b, behind, axis)),
               c.mul(c.gather(a, behind, axis), c.gather(b, ahead, axis))));
}

// The p-norm of differences: of pairs of rows, or of each row of x1 from each of x2.
Value distance(Call& c, Value difference, int64_t axis, bool keep) {
  const double p = c.real("p");
  if (p == 1 || p == 2) return c.reduce(p == 1 ? "l1" : "l2", difference, {axis}, keep);
  if (p <= 0 || std::isinf(p)) c.unsupported(fmt::format("the norm of order {} is not supported", p));
  Value sum =
      c.reduce("sum", c.binary("pow", c.unary("abs", difference), c.scalarLike(p, difference)), {axis}, keep);
  return c.binary("pow", sum, c.scalarLike(1 / p, difference));
}
void pairDistance(Call& c) {
  Value d = c.sub(c.tensor("x1"), c.tensor("x2"));
  d = c.add(d, c.scalarLike(c.real("eps"), d));
  c.give(distance(c, d, Call::rank(d) - 1, c.flag("keepdim")));
}
void allDistances(Call& c) {
  Value a = c.tensor("x1"), b = c.tensor("x2");
  if (Call::rank(a) < 2 || Call::rank(b) < 2) return c.invalid("its operands are no matrices");
  Value d = c.sub(c.unsqueeze(a, Call::rank(a) - 1), c.unsqueeze(b, Call::rank(b) - 2));
  c.give(distance(c, d, Call::rank(d) - 1, false));
}

void einsum(Call& c) { c.give(emitEinsum(c, c.string("equation"), c.tensors("tensors"))); }

const OperatorRow kRows[] = {
    {"linear(Tensor input, Tensor weight, Tensor? bias=None)", linear},
    {"matmul(Tensor self, Tensor other)", matrixProduct},
    {"mm(Tensor self, Tensor other)", matrixProduct},
    {"bmm(Tensor self, Tensor other)", matrixProduct},
    {"mv(Tensor self, Tensor other)", matrixProduct},
    {"dot(Tensor self, Tensor other)", matrixProduct},
    {"addmm(Tensor self, Tensor a, Tensor b, *, Scalar beta=1, Scalar alpha=1)", addProduct},
    {"addmv(Tensor self, Tensor a, Tensor b, *, Scalar beta=1, Scalar alpha=1)", addProduct},
    {"baddbmm(Tensor self, Tensor a, Tensor b, *, Scalar beta=1, Scalar alpha=1)", addProduct},
    {"outer(Tensor self, Tensor other)", outerProduct},
    {"ger(Tensor self, Tensor other)", outerProduct},
    {"inner(Tensor self, Tensor other)", innerProduct},
    {"tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other)", tensorProduct},
    {"bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None)", bilinear},
    {"cross(Tensor self, Tensor other, int? dim=None)", crossProduct},
    {"linalg_cross(Tensor self, Tensor other, *, int dim=-1)", crossProduct},
    {"pairwise_distance(Tensor x1, Tensor x2, float p=2, float eps=1e-06, bool keepdim=False)", pairDistance},
    {"cdist(Tensor x1, Tensor x2, float p=2, int? compute_mode=None)", allDistances},
    {"einsum(str equation, Tensor[] tensors, *, any path=None)", einsum},
};
} // namespace

const OperatorTable<OperatorRow> kLinearOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
