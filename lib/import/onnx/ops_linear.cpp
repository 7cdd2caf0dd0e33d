// Matrix products.
#include "lib/import/einsum.h"
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <fmt/format.h>

namespace burin::onnx {

Value addBias(NodeContext& c, Value y, Value bias) { return bias ? c.add(y, bias) : y; }

// A constant bias over the columns rides in the product; any other one is added behind it.
Value emitGemm(NodeContext& c, Value a, Value b, Value bias, bool transA, bool transB) {
  Ints shape = NodeContext::dims(b);
  Value vector = c.none(), rest = bias;
  if (bias && nn::isConstant(bias) && shape.size() == 2) {
    int64_t columns = shape[transB ? 0 : 1];
    Ints dims = NodeContext::dims(bias);
    int64_t elements = product(dims, 0, dims.size());
    bool isRow = elements == columns && (dims.empty() || dims.back() == columns);
    if (isRow || elements == 1) {
      vector = c.expand(c.reshape(bias, {elements}), {columns});
      rest = Value();
    }
  }
  Value y = c.emit("matmul", {a, b, vector}, c.attrs().b("trans_a", transA).b("trans_b", transB));
  return addBias(c, y, rest);
}

namespace {
Value scaled(NodeContext& c, Value x, float factor) {
  return !x || factor == 1.0f ? x : c.mul(x, c.scalarLike(factor, x));
}

void importMatMul(NodeContext& c) { c.set(0, c.matmul(c.in(0), c.in(1))); }

// alpha * A' * B' + beta * C. alpha goes into constant weights, else onto the product.
void importGemm(NodeContext& c) {
  Value a = c.in(0), b = c.in(1), bias = c.in(2);
  if (NodeContext::rank(a) != 2 || NodeContext::rank(b) != 2)
    return c.invalid(
        fmt::format("its matrices have {} and {} dimensions", NodeContext::rank(a), NodeContext::rank(b)),
        "insert a Flatten");
  float alpha = c.real("alpha", 1), beta = c.real("beta", 1);
  bool transA = c.flag("transA"), transB = c.flag("transB");
  bias = scaled(c, bias, beta);
  if (beta == 0) bias = Value();
  if (alpha == 1 || nn::isConstant(b))
    return c.set(0, emitGemm(c, a, scaled(c, b, alpha), bias, transA, transB));
  c.set(0, addBias(c, scaled(c, emitGemm(c, a, b, Value(), transA, transB), alpha), bias));
}

// com.microsoft FusedMatMul: transposes of the last two axes and a factor.
void importFusedMatMul(NodeContext& c) {
  if (c.flag("transBatchA") || c.flag("transBatchB"))
    return c.unsupported("transBatchA and transBatchB are not supported");
  Value y = c.emit("matmul", {c.in(0), c.in(1), c.none()},
                   c.attrs().b("trans_a", c.flag("transA")).b("trans_b", c.flag("transB")));
  c.set(0, scaled(c, y, c.real("alpha", 1)));
}

// Rows 1.. without column `without` of [.., n, n].
Value minor(NodeContext& c, Value x, int64_t without) {
  int64_t rank = NodeContext::rank(x), n = NodeContext::shape(x)[static_cast<int>(rank - 1)];
  Value below = c.slice(x, rank - 2, 1, n - 1);
  std::vector<Value> parts;
  if (without > 0) parts.push_back(c.slice(below, rank - 1, 0, without));
  if (without + 1 < n) parts.push_back(c.slice(below, rank - 1, without + 1, n - without - 1));
  return parts.size() == 1 ? parts[0] : c.concat(parts, rank - 1);
}

// Laplace expansion along the first row; [.., n, n] -> [.., 1, 1].
Value determinant(NodeContext& c, Value x) {
  int64_t rank = NodeContext::rank(x), n = NodeContext::shape(x)[static_cast<int>(rank - 1)];
  if (n == 1 || c.failed()) return x;
  Value first = c.slice(x, rank - 2, 0, 1), sum;
  for (int64_t j = 0; j < n; ++j) {
    Value term = c.mul(c.slice(first, rank - 1, j, 1), determinant(c, minor(c, x, j)));
    sum = !sum ? term : j % 2 ? c.sub(sum, term) : c.add(sum, term);
  }
  return sum;
}

void importDet(NodeContext& c) {
  Ints dims = NodeContext::dims(c.in(0));
  if (dims.size() < 2 || dims[dims.size() - 1] != dims[dims.size() - 2])
    return c.invalid("its input is not a stack of square matrices");
  if (dims.back() < 1 || dims.back() > 4)
    return c.unsupported(
        fmt::format("determinants of {0}x{0} matrices are not supported, at most 4x4 are", dims.back()));
  c.set(0, c.reshape(determinant(c, c.in(0)), Ints(dims.begin(), dims.end() - 2)));
}

void importEinsumNode(NodeContext& c) { c.set(0, emitEinsum(c, c.text("equation"), c.inputs())); }

const OperatorRow kRows[] = {
    {"MatMul", importMatMul, 2, 2},
    {"Gemm", importGemm, 2, 3},
    {"Det", importDet, 1, 1},
    {"Einsum", importEinsumNode, 1, kAny},
    {"com.microsoft:FusedMatMul", importFusedMatMul, 2, 2},
};
} // namespace

const OperatorTable<OperatorRow> kLinearOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
