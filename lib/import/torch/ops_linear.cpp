// Matrix products, and sums over products.
#include "lib/import/torch/rules.h"

#include "lib/import/einsum.h"

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
    {"einsum(str equation, Tensor[] tensors, *, any path=None)", einsum},
};
} // namespace

const OperatorTable kLinearOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
