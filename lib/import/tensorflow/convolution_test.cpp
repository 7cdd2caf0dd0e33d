// Convolutions, pools and normalisations against sums written out for channels-last tensors.
#include "lib/import/tensorflow/test_graph.h"

#include <algorithm>
#include <cmath>

using namespace burin;
using namespace burin::tensorflow::test;

namespace {
// A deterministic tensor of small numbers.
Floats numbers(size_t n, int seed) {
  Floats values(n);
  for (size_t i = 0; i < n; ++i)
    values[i] = static_cast<float>(static_cast<int>((i * 37 + static_cast<size_t>(seed) * 11) % 17) - 8) / 4;
  return values;
}

struct Geometry {
  int64_t size, kernel, stride, dilation;
  bool same;
  int64_t extent() const { return (kernel - 1) * dilation + 1; }
  int64_t out() const { return same ? (size + stride - 1) / stride : (size - extent()) / stride + 1; }
  int64_t before() const {
    return same ? std::max<int64_t>((out() - 1) * stride + extent() - size, 0) / 2 : 0;
  }
};

// y[o, p, m] = sum over window and channels of x[.., c] w[i, j, c, m]
Floats convolved(const Floats& x, const Floats& w, const Geometry& h, const Geometry& v, int64_t channels,
                 int64_t outputs) {
  Floats y;
  for (int64_t r = 0; r < h.out(); ++r)
    for (int64_t s = 0; s < v.out(); ++s)
      for (int64_t m = 0; m < outputs; ++m) {
        double sum = 0;
        for (int64_t i = 0; i < h.kernel; ++i)
          for (int64_t j = 0; j < v.kernel; ++j)
            for (int64_t c = 0; c < channels; ++c) {
              int64_t a = r * h.stride - h.before() + i * h.dilation,
                      b = s * v.stride - v.before() + j * v.dilation;
              if (a < 0 || a >= h.size || b < 0 || b >= v.size) continue;
              sum += static_cast<double>(x[static_cast<size_t>((a * v.size + b) * channels + c)]) *
                     static_cast<double>(
                         w[static_cast<size_t>(((i * v.kernel + j) * channels + c) * outputs + m)]);
            }
        y.push_back(static_cast<float>(sum));
      }
  return y;
}

void expectNear(const Floats& y, const Floats& expected, float tolerance = 1e-5f) {
  ASSERT_EQ(y.size(), expected.size());
  for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], expected[i], tolerance) << "element " << i;
}

Ints list(std::initializer_list<int64_t> values) { return values; }

Floats toFirst(const Floats& x, int64_t pixels, int64_t channels) {
  Floats y;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t p = 0; p < pixels; ++p) y.push_back(x[static_cast<size_t>(p * channels + c)]);
  return y;
}
} // namespace

TEST(TensorflowConv, PaddingStridesAndDilations) {
  const Floats x = numbers(7 * 6 * 2, 1), w = numbers(3 * 2 * 2 * 3, 2);
  for (bool same : {false, true})
    for (int64_t stride : {1, 2})
      for (int64_t dilation : {1, 2}) {
        if (stride > 1 && dilation > 1) continue;
        Geometry h{7, 3, stride, dilation, same}, v{6, 2, stride, dilation, same};
        Imported m =
            Case("Conv2D", {"x", "w"},
                 {ints("strides", {1, stride, stride, 1}), ints("dilations", {1, dilation, dilation, 1}),
                  text("padding", same ? "SAME" : "VALID")})
                .x({1, 7, 6, 2}, x)
                .with("w", {3, 2, 2, 3}, w)
                .run();
        ASSERT_TRUE(m.ok()) << m.error();
        expectNear(m.floats(), convolved(x, w, h, v, 2, 3));
      }
}

TEST(TensorflowConv, ChannelsFirstAndExplicitPadding) {
  const Floats x = numbers(5 * 5 * 2, 1), w = numbers(3 * 3 * 2 * 2, 2);
  Geometry g{5, 3, 1, 1, true};
  Imported m = Case("Conv2D", {"x", "w"},
                    {ints("strides", {1, 1, 1, 1}), text("padding", "EXPLICIT"), text("data_format", "NCHW"),
                     ints("explicit_paddings", {0, 0, 0, 0, 1, 1, 1, 1})})
                   .x({1, 2, 5, 5}, toFirst(x, 25, 2))
                   .with("w", {3, 3, 2, 2}, w)
                   .run();
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.shape(), "1x2x5x5");
  expectNear(m.floats(), toFirst(convolved(x, w, g, g, 2, 2), 25, 2));
}

TEST(TensorflowConv, FewerWeightChannelsMeanGroups) {
  // Two groups of one channel each: output 0 sees channel 0, output 1 channel 1.
  Imported m = Case("Conv2D", {"x", "w"}, {ints("strides", {1, 1, 1, 1}), text("padding", "VALID")})
                   .x({1, 1, 2, 2}, {1, 2, 3, 4})
                   .with("w", {1, 1, 1, 2}, {10, 100})
                   .run();
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.floats(), (Floats{10, 200, 30, 400}));
}

TEST(TensorflowConv, DepthwiseMultiplier) {
  // Channel c, multiplier m: output c * 2 + m.
  Imported m =
      Case("DepthwiseConv2dNative", {"x", "w"}, {ints("strides", {1, 1, 1, 1}), text("padding", "VALID")})
          .x({1, 1, 1, 2}, {1, 2})
          .with("w", {1, 1, 2, 2}, {10, 20, 30, 40})
          .run();
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.floats(), (Floats{10, 20, 60, 80}));
}

TEST(TensorflowConv, VolumesToo) {
  Imported m =
      Case("Conv3D", {"x", "w"},
           {ints("strides", {1, 1, 1, 1, 1}), text("padding", "VALID"), text("data_format", "NDHWC")})
          .x({1, 2, 2, 2, 1})
          .with("w", {2, 2, 2, 1, 1}, Floats(8, 1))
          .run();
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.floats(), (Floats{28}));
}

// The gradient of a convolution: dot(conv(x), y) = dot(x, transposed(y)) for every x and y.
TEST(TensorflowConv, TransposedIsTheAdjoint) {
  for (bool same : {false, true})
    for (int64_t size : {6, 7}) {
      Geometry g{size, 3, 2, 1, same};
      const int64_t out = g.out();
      const Floats x = numbers(static_cast<size_t>(size * size * 2), 3), w = numbers(3 * 3 * 2 * 3, 4);
      const Floats y = numbers(static_cast<size_t>(out * out * 3), 5), forward = convolved(x, w, g, g, 2, 3);
      Imported m = Case("Conv2DBackpropInput", {"s", "w", "x"},
                        {ints("strides", {1, 2, 2, 1}), text("padding", same ? "SAME" : "VALID")})
                       .numbers("s", {1, size, size, 2})
                       .with("w", {3, 3, 2, 3}, w)
                       .x({1, out, out, 3}, y)
                       .run();
      ASSERT_TRUE(m.ok()) << m.error();
      const Floats back = m.floats();
      ASSERT_EQ(back.size(), x.size());
      double a = 0, b = 0;
      for (size_t i = 0; i < y.size(); ++i) a += static_cast<double>(forward[i]) * static_cast<double>(y[i]);
      for (size_t i = 0; i < x.size(); ++i) b += static_cast<double>(x[i]) * static_cast<double>(back[i]);
      EXPECT_NEAR(a, b, 1e-3);
    }
  std::string error =
      Case("Conv2DBackpropInput", {"s", "w", "x"}, {ints("strides", {1, 2, 2, 1}), text("padding", "SAME")})
          .numbers("s", {1, 9, 9, 2})
          .with("w", {3, 3, 2, 3}, numbers(54, 1))
          .x({1, 2, 2, 3})
          .run()
          .error();
  EXPECT_NE(error.find("belongs to an input of 5, not 2"), std::string::npos) << error;
  Imported volume =
      Case("Conv3DBackpropInputV2", {"s", "w", "x"},
           {ints("strides", {1, 1, 1, 1, 1}), text("padding", "VALID"), text("data_format", "NDHWC")})
          .numbers("s", {1, 2, 2, 2, 1})
          .with("w", {2, 2, 2, 1, 1})
          .x({1, 1, 1, 1, 1}, {2})
          .run();
  ASSERT_TRUE(volume.ok()) << volume.error();
  EXPECT_EQ(volume.floats(), (Floats{0, 2, 4, 6, 8, 10, 12, 14}));
}

TEST(TensorflowConv, NamesWhatDoesNotFit) {
  std::string error = Case("Conv2D", {"x", "w"}, {ints("strides", {1, 1, 1, 1}), text("padding", "VALID")})
                          .x({1, 2, 2, 1})
                          .with("w", {3, 3, 1, 1})
                          .run()
                          .error();
  EXPECT_NE(error.find("y (Conv2D)"), std::string::npos) << error;
  EXPECT_NE(error.find("window of 3 does not fit"), std::string::npos) << error;
  error = Case("Conv2D", {"x", "w"}, {ints("strides", {2, 1, 1, 1})})
              .x({1, 4, 4, 1})
              .with("w", {3, 3, 1, 1})
              .run()
              .error();
  EXPECT_NE(error.find("batch and channels"), std::string::npos) << error;
  error = Case("Conv2D", {"x", "w"}, {ints("strides", {1, 1})})
              .x({1, 4, 4, 1})
              .with("w", {3, 3, 1, 1})
              .run()
              .error();
  EXPECT_NE(error.find("'strides' has 2 entries"), std::string::npos) << error;
  error = Case("Conv2D", {"x", "w"}, {text("strides", "no")})
              .x({1, 4, 4, 1})
              .with("w", {3, 3, 1, 1})
              .run()
              .error();
  EXPECT_NE(error.find("'strides' has the wrong type"), std::string::npos) << error;
  error = Case("Conv2D", {"x"}).x({1, 4, 4, 1}).run().error();
  EXPECT_NE(error.find("it has 1 inputs"), std::string::npos) << error;
}

TEST(TensorflowPool, PaddingNeverCounts) {
  Attributes window = {ints("ksize", {1, 2, 2, 1}), ints("strides", {1, 2, 2, 1}), text("padding", "SAME")};
  Floats x = {-1, -2, -3, -4, -5, -6, -7, -8, -9};
  EXPECT_EQ(Case("MaxPool", {"x"}, window).x({1, 3, 3, 1}, x).run().floats(), (Floats{-1, -3, -7, -9}));
  EXPECT_EQ(Case("AvgPool", {"x"}, window).x({1, 3, 3, 1}, x).run().floats(), (Floats{-3, -4.5f, -7.5f, -9}));
  Attributes volume = {ints("ksize", {1, 2, 2, 2, 1}), ints("strides", {1, 2, 2, 2, 1}),
                       text("padding", "VALID"), text("data_format", "NDHWC")};
  EXPECT_EQ(Case("MaxPool3D", {"x"}, volume).x({1, 2, 2, 2, 1}).run().floats(), (Floats{7}));
  EXPECT_EQ(Case("AvgPool3D", {"x"}, volume).x({1, 2, 2, 2, 1}).run().floats(), (Floats{3.5f}));
}

TEST(TensorflowPool, ArgmaxCountsChannelsLast) {
  Attributes window = {ints("ksize", {1, 2, 2, 1}), ints("strides", {1, 2, 2, 1}), text("padding", "VALID")};
  // Channel 0 has its maximum at row 1, column 0; channel 1 at row 0, column 1.
  Floats one = {0, 0, 0, 9, 9, 0, 0, 0}, two = one;
  two.insert(two.end(), one.begin(), one.end());
  Imported m = Case("MaxPoolWithArgmax", {"x"}, window).x({2, 2, 2, 2}, two).run({"y", "y:1"});
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.floats(0), (Floats{9, 9, 9, 9}));
  EXPECT_EQ(m.ints(1), (Ints{4, 3, 4, 3}));
  window.push_back(flag("include_batch_in_index"));
  EXPECT_EQ(Case("MaxPoolWithArgmax", {"x"}, window).x({2, 2, 2, 2}, two).run({"y:1"}).ints(),
            (Ints{4, 3, 12, 11}));
}

TEST(TensorflowNorm, BatchNormOfInference) {
  for (const char* op : {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"}) {
    Case c(op, {"x", "s", "o", "m", "v"}, {flag("is_training", false), real("epsilon", 0)});
    c.x({1, 1, 2, 2}, {1, 2, 3, 4})
        .with("s", {2}, {2, 3})
        .with("o", {2}, {10, 20})
        .with("m", {2}, {1, 2})
        .with("v", {2}, {4, 1});
    Imported m = c.run({"y", "y:1", "y:2"});
    ASSERT_TRUE(m.ok()) << m.error();
    expectNear(m.floats(), {10, 20, 12, 26});
    EXPECT_EQ(m.floats(1), (Floats{1, 2}));
    EXPECT_EQ(m.floats(2), (Floats{4, 1}));
  }
  std::string error = Case("FusedBatchNorm", {"x", "x", "x", "x", "x"}).x({1}).run().error();
  EXPECT_NE(error.find("is_training"), std::string::npos) << error;
}

TEST(TensorflowNorm, GlobalBatchNormScalesOnRequest) {
  auto run = [](bool scale) {
    return Case("BatchNormWithGlobalNormalization", {"x", "m", "v", "o", "s"},
                {real("variance_epsilon", 0), flag("scale_after_normalization", scale)})
        .x({1, 1, 1, 2}, {3, 4})
        .with("m", {2}, {1, 2})
        .with("v", {2}, {4, 1})
        .with("o", {2}, {10, 20})
        .with("s", {2}, {5, 5})
        .run()
        .floats();
  };
  expectNear(run(true), {15, 30});
  expectNear(run(false), {11, 22});
}

TEST(TensorflowNorm, LrnSumsSquaresOfNeighbours) {
  Imported m =
      Case("LRN", {"x"}, {integer("depth_radius", 1), real("bias", 2), real("alpha", 0.5f), real("beta", 1)})
          .x({1, 1, 1, 3}, {1, 2, 3})
          .run();
  ASSERT_TRUE(m.ok()) << m.error();
  expectNear(m.floats(), {1 / 4.5f, 2 / 9.0f, 3 / 8.5f});
}

TEST(TensorflowConv, DilationThroughTheBatchIsOneConvolution) {
  const Floats x = numbers(6 * 6 * 2, 6), w = numbers(3 * 3 * 2 * 2, 7);
  Graph g;
  g.placeholder("x", {1, 6, 6, 2}).constant("w", {3, 3, 2, 2}, w).constant("block", Ints{2, 2});
  g.add(intConst("pads", {2, 2}, {2, 2, 2, 2})).add(intConst("crops", {2, 2}, {0, 0, 0, 0}));
  g.node("SpaceToBatchND", "s", {"x", "block", "pads"})
      .node("Conv2D", "c", {"s", "w"}, {ints("strides", {1, 1, 1, 1}), text("padding", "VALID")});
  g.node("BatchToSpaceND", "y", {"c", "block", "crops"});
  Imported m = g.import();
  ASSERT_TRUE(m.ok()) << m.error();
  mlir::Operation* last = nullptr;
  m.module().walk([&](nn::ConvOp op) { last = op; });
  EXPECT_EQ(last->getAttrOfType<mlir::DenseI64ArrayAttr>("dilations").asArrayRef().vec(), list({2, 2}));
  // The numbers, by the way over the batch and by the formula.
  Graph constant;
  constant.constant("x", {1, 6, 6, 2}, x);
  for (const auto& node : g.proto.node())
    if (node.name() != "x") constant.add(node);
  Geometry geometry{6, 3, 1, 2, true};
  expectNear(constant.outputs({"y"}).floats(), convolved(x, w, geometry, geometry, 2, 2));
}

TEST(TensorflowConv, DilationInOneDimension) {
  Graph g;
  g.placeholder("x", {1, 8, 1}).constant("w", {1, 2, 1, 1}, Floats{1, 10}).constant("block", Ints{2});
  g.add(intConst("pads", {1, 2}, {2, 0})).add(intConst("crops", {1, 2}, {0, 0})).scalar("one", int64_t(1));
  g.node("SpaceToBatchND", "s", {"x", "block", "pads"}).node("ExpandDims", "e", {"s", "one"});
  g.node("Conv2D", "c", {"e", "w"}, {ints("strides", {1, 1, 1, 1}), text("padding", "VALID")})
      .node("Squeeze", "q", {"c"}, {ints("squeeze_dims", {1})});
  g.node("BatchToSpaceND", "y", {"q", "block", "crops"});
  Imported m = g.import();
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.shape(), "1x8x1");
  mlir::Operation* last = nullptr;
  m.module().walk([&](nn::ConvOp op) { last = op; });
  EXPECT_EQ(last->getAttrOfType<mlir::DenseI64ArrayAttr>("dilations").asArrayRef().vec(), list({1, 2}));
  EXPECT_EQ(last->getAttrOfType<mlir::DenseI64ArrayAttr>("pads").asArrayRef().vec(), list({0, 2, 0, 0}));
}

TEST(TensorflowBlocks, BatchAndDepth) {
  Imported batch = Case("SpaceToBatchND", {"x", "b", "p"})
                       .x({1, 2, 3, 1})
                       .numbers("b", {2, 2})
                       .with(intConst("p", {2, 2}, {0, 0, 0, 1}))
                       .run();
  ASSERT_TRUE(batch.ok()) << batch.error();
  EXPECT_EQ(batch.shape(), "4x1x2x1");
  EXPECT_EQ(batch.floats(), (Floats{0, 2, 1, 0, 3, 5, 4, 0}));
  Imported back = Case("BatchToSpaceND", {"x", "b", "p"})
                      .x({4, 1, 2, 1}, {0, 2, 1, 0, 3, 5, 4, 0})
                      .numbers("b", {2, 2})
                      .with(intConst("p", {2, 2}, {0, 0, 0, 1}))
                      .run();
  EXPECT_EQ(back.shape(), "1x2x3x1");
  EXPECT_EQ(back.floats(), counting(6));
  Imported space = Case("DepthToSpace", {"x"}, {integer("block_size", 2)}).x({1, 1, 1, 8}).run();
  EXPECT_EQ(space.shape(), "1x2x2x2");
  EXPECT_EQ(space.floats(), counting(8));
  Imported depth = Case("SpaceToDepth", {"x"}, {integer("block_size", 2)}).x({1, 2, 2, 2}).run();
  EXPECT_EQ(depth.floats(), counting(8));
  EXPECT_EQ(depth.shape(), "1x1x1x8");
}

TEST(TensorflowLinear, Products) {
  Case c("MatMul", {"x", "b"}, {flag("transpose_b")});
  EXPECT_EQ(c.x({1, 2}, {1, 2}).with("b", {2, 2}, {1, 10, 100, 1000}).run().floats(), (Floats{21, 2100}));
  for (const char* op : {"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"})
    EXPECT_EQ(Case(op, {"x", "b"}, {flag("adj_x")})
                  .x({2, 2, 1}, {1, 2, 3, 4})
                  .with("b", {2, 2, 1}, {1, 1, 2, 2})
                  .run()
                  .floats(),
              (Floats{3, 14}));
  EXPECT_EQ(Case("Einsum", {"x", "b"}, {text("equation", "ij,kj->ki")})
                .x({1, 2}, {1, 2})
                .with("b", {2, 2}, {1, 10, 100, 1000})
                .run()
                .floats(),
            (Floats{21, 2100}));
  EXPECT_FALSE(Case("MatMul", {"x", "b"}).x({2}).with("b", {2, 2}).run().ok());
}
