// Matrix products: numpy's shapes, and every fast kernel against the reference over random shapes and
// layouts.
#include "runtime/ops/conv_test_support.h"

#include <sstream>

namespace burin::rt::test {
namespace {

struct MatMulCase {
  int64_t rows, columns, depth;
  std::vector<int64_t> batchA, batchB;
  bool vectorA, vectorB, transA, transB, bias, constantB;
  std::string text() const {
    std::ostringstream out;
    out << rows << 'x' << depth << 'x' << columns << (transA ? " trans_a" : "") << (transB ? " trans_b" : "")
        << (bias ? " bias" : "") << (constantB ? " constant" : "") << " batch ranks " << batchA.size() << ' '
        << batchB.size();
    return out.str();
  }
};

MatMulCase randomCase(std::mt19937& random) {
  MatMulCase c;
  c.rows = pick(random, 0, 3) ? pick(random, 1, 40) : 1;
  c.columns = pick(random, 1, 150);
  c.depth = pick(random, 0, 9) ? pick(random, 1, 130) : pick(random, 0, 600);
  const int64_t rank = pick(random, 0, 2);
  for (int i = 0; i < rank; ++i) {
    const int64_t n = pick(random, 1, 3);
    c.batchA.push_back(pick(random, 0, 3) ? n : 1);
    c.batchB.push_back(pick(random, 0, 1) ? n : 1);
  }
  if (pick(random, 0, 1)) c.batchB.clear();
  if (pick(random, 0, 7) == 0) c.batchA.clear();
  c.vectorA = c.batchA.empty() && pick(random, 0, 7) == 0;
  c.vectorB = c.batchB.empty() && pick(random, 0, 9) == 0;
  if (c.vectorA) c.rows = 1;
  if (c.vectorB) c.columns = 1;
  c.transA = !c.vectorA && pick(random, 0, 3) == 0;
  c.transB = !c.vectorB && pick(random, 0, 1);
  c.bias = pick(random, 0, 1);
  c.constantB = pick(random, 0, 2) != 0;
  return c;
}

Shape matrixShape(const std::vector<int64_t>& batch, int64_t rows, int64_t columns, bool transposed) {
  Shape shape;
  for (int64_t b : batch) shape.push(b);
  shape.push(transposed ? columns : rows);
  shape.push(transposed ? rows : columns);
  return shape;
}

void build(NodeFixture& f, const MatMulCase& c, DType aType, DType bType, DType biasType,
           std::mt19937& random) {
  f.fill(f.addInput(aType, c.vectorA ? Shape{c.depth} : matrixShape(c.batchA, c.rows, c.depth, c.transA)),
         random);
  Tensor& b =
      f.addInput(bType, c.vectorB ? Shape{c.depth} : matrixShape(c.batchB, c.depth, c.columns, c.transB));
  f.fill(b, random);
  b.constant = c.constantB;
  if (c.bias) {
    Tensor& bias = f.addInput(biasType, {c.columns});
    f.fill(bias, random);
    bias.constant = c.constantB;
    if (biasType == DType::I32)
      for (int64_t i = 0; i < c.columns; ++i) bias.as<int32_t>()[i] >>= 12;
  } else {
    f.addAbsent();
  }
  f.node().attrs.setInt("trans_a", c.transA);
  f.node().attrs.setInt("trans_b", c.transB);
}

// Now and then the result is stored transposed.
std::vector<uint8_t> resultOrder(const MatMulCase& c, std::mt19937& random) {
  const size_t rank = std::max(c.batchA.size(), c.batchB.size()) + (c.vectorA ? 0 : 1) + (c.vectorB ? 0 : 1);
  std::vector<uint8_t> order;
  for (size_t i = 0; i < rank; ++i) order.push_back(static_cast<uint8_t>(i));
  if (rank > 1 && pick(random, 0, 5) == 0) std::swap(order[rank - 1], order[rank - 2]);
  return order;
}

TEST(MatMul, FloatKernelsEqualTheReference) {
  std::mt19937 random(4);
  for (int i = 0; i < 400; ++i) {
    const MatMulCase c = randomCase(random);
    NodeFixture f("nn.matmul");
    build(f, c, DType::F32, DType::F32, DType::F32, random);
    if (pick(random, 0, 1)) f.node().attrs.setFloats("lo", {0.0f});
    ASSERT_EQ(f.infer(resultOrder(c, random)), "") << c.text();
    expectSameAsReference(f, c.text());
    if (HasFatalFailure()) return;
  }
}

void setZeroPoint(Tensor& tensor, int64_t count, std::mt19937& random) {
  tensor.quant.scale.assign(static_cast<size_t>(count), 1.0f);
  for (int64_t i = 0; i < count; ++i)
    tensor.quant.zeroPoint.push_back(
        static_cast<int32_t>(tensor.dtype() == DType::U8 ? pick(random, 0, 255) : pick(random, -128, 127)));
}

TEST(MatMul, IntegerKernelsEqualTheReference) {
  std::mt19937 random(5);
  for (int i = 0; i < 400; ++i) {
    const MatMulCase c = randomCase(random);
    NodeFixture f("qnn.matmul");
    const DType types[] = {DType::I8, DType::U8, DType::I16};
    const DType left = types[pick(random, 0, 2)];
    const bool wide = left == DType::I16 && pick(random, 0, 2) > 0;
    build(f, c, left, types[pick(random, 0, 1)], wide && pick(random, 0, 1) ? DType::I64 : DType::I32,
          random);
    if (wide) f.node().attrs.setInt("wide", 1);
    if (!wide && pick(random, 0, 1)) setZeroPoint(const_cast<Tensor&>(f.node().in(0)), 1, random);
    if (pick(random, 0, 1))
      setZeroPoint(const_cast<Tensor&>(f.node().in(1)), pick(random, 0, 1) ? 1 : c.columns, random);
    const int kind = static_cast<int>(pick(random, 0, 3));
    f.node().attrs.setText("requant", kind == 0 ? "none" : kind == 1 ? "tflite" : "float_half_even");
    if (kind > 0) {
      Tensor& multiplier = f.addInput(kind == 1 ? DType::I32 : DType::F32, {c.columns});
      Tensor& shift = f.addInput(DType::I32, {c.columns});
      multiplier.constant = shift.constant = true;
      for (int64_t n = 0; n < c.columns; ++n) {
        if (kind == 1)
          multiplier.as<int32_t>()[n] = static_cast<int32_t>(pick(random, 1 << 30, INT32_MAX));
        else
          multiplier.as<float>()[n] = static_cast<float>(pick(random, 1, 1000)) * 1e-5f;
        shift.as<int32_t>()[n] = 7;
      }
      f.node().attrs.setText("to", pick(random, 0, 1) ? "u8" : "i8");
    }
    ASSERT_EQ(f.infer(resultOrder(c, random)), "") << c.text();
    f.node().out().quant = {{1.0f}, {static_cast<int32_t>(pick(random, 0, 100))}, -1};
    expectSameAsReference(f, c.text() + " " + f.node().attrs.text("requant"));
    if (HasFatalFailure()) return;
  }
}

TEST(MatMul, IntegersOfShapeArithmeticWrap) {
  NodeFixture f("nn.matmul");
  Tensor& a = f.addInput(DType::I64, {1, 2});
  Tensor& b = f.addInput(DType::I64, {2, 1});
  a.as<int64_t>()[0] = INT64_MAX;
  a.as<int64_t>()[1] = 3;
  b.as<int64_t>()[0] = 2;
  b.as<int64_t>()[1] = 5;
  ASSERT_EQ(f.infer(), "");
  f.run(Isa::Reference, 1);
  EXPECT_EQ(f.node().out().as<int64_t>()[0], 13); // 2 * (2^63 - 1) + 15 modulo 2^64
}

TEST(MatMul, ShapesFollowNumpy) {
  auto shape = [](const Shape& a, const Shape& b) {
    NodeFixture f("nn.matmul");
    f.addInput(DType::F32, a);
    f.addInput(DType::F32, b);
    const std::string error = f.infer();
    return error.empty() ? toString(f.node().out().shape()) : std::string("refused");
  };
  EXPECT_EQ(shape({3}, {3}), "scalar");
  EXPECT_EQ(shape({3}, {3, 4}), "4");
  EXPECT_EQ(shape({2, 3}, {3}), "2");
  EXPECT_EQ(shape({5, 1, 2, 3}, {4, 3, 6}), "5x4x2x6");
  EXPECT_EQ(shape({2, 3}, {4, 5}), "refused");
  EXPECT_EQ(shape({2, 2, 3}, {3, 3, 5}), "refused");
  EXPECT_EQ(shape({}, {3}), "refused");
}

} // namespace
} // namespace burin::rt::test
