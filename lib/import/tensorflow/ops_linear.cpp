// Matrix products.
#include "lib/import/einsum.h"
#include "lib/import/tensorflow/operators.h"

#include <fmt/format.h>

namespace burin::tensorflow {

namespace {
Value product(RuleContext& c, bool transA, bool transB) {
  return c.emit("matmul", {c.in(0), c.in(1), c.none()}, c.attrs().b("trans_a", transA).b("trans_b", transB));
}

void importMatMul(RuleContext& c, Attributes& a) {
  if (RuleContext::rank(c.in(0)) != 2 || RuleContext::rank(c.in(1)) != 2)
    return c.invalid(fmt::format("its matrices have {} and {} dimensions", RuleContext::rank(c.in(0)),
                                 RuleContext::rank(c.in(1))));
  c.set(0, product(c, a.flag("transpose_a"), a.flag("transpose_b")));
}

void importBatchMatMul(RuleContext& c, Attributes& a) {
  if (RuleContext::rank(c.in(0)) < 2 || RuleContext::rank(c.in(1)) < 2)
    return c.invalid("its inputs are no stacks of matrices");
  c.set(0, product(c, a.flag("adj_x"), a.flag("adj_y")));
}

void importEinsumNode(RuleContext& c, Attributes& a) {
  c.set(0, emitEinsum(c, a.text("equation"), c.inputs()));
}

const OperatorRow kRows[] = {
    {"MatMul", importMatMul, 2, 2, "", "model"}, {"BatchMatMul", importBatchMatMul, 2, 2},
    {"BatchMatMulV2", importBatchMatMul, 2, 2},  {"BatchMatMulV3", importBatchMatMul, 2, 2},
    {"Einsum", importEinsumNode, 1, kAny},
};
} // namespace

const OperatorTable<OperatorRow> kLinearOperators = {kRows, std::size(kRows)};

} // namespace burin::tensorflow
