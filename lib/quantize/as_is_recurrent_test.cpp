#include "lib/quantize/as_is_test_support.h"

namespace burin::quantize::as_is_test {
namespace {

// Two filters over two features with a memory of two.
struct SvdfNet : Net {
  Scale x{0.5f, 7}, y{0.25f, -128}, state{0.125f, 0, rt::DType::I16};

  mlir::ModuleOp make(const Scale& feature, const Scale& bias, bool stateLeaves = false) {
    mlir::Value in = dequantize(quantize(builder.input("x", {rt::DType::F32, {1, 2}}), x, "x_q"), x);
    auto results =
        *builder.ops("svdf",
                     {in, constant({1, 2, 3, 4}, {2, 2}, feature, "f"),
                      constant({5, 300, -7, 8}, {2, 2}, {0.5f, 0, rt::DType::I16}, "t"),
                      constant({16777217, 5}, {2}, bias, "b"), constant({0, 0, 0, 0}, {1, 2, 2}, state, "s")},
                     builder.attrs().i("rank", 1), {"y/float", "next"}, "layer");
    mlir::Value out = dequantize(quantize(results[0], y, "y"), y);
    if (!stateLeaves) return finish(out);
    module = *builder.finish({out, quantize(results[1], state, "s/next")}, {"out", "s/next"});
    return *module;
  }
};
const Scale kBias{0.0625f, 0, rt::DType::I32};

TEST(AsIs, AnSvdfLayerRunsOnItsIntegers) {
  for (bool leaves : {false, true}) {
    SvdfNet net;
    Taken t = take(net.make({0.25f, 0}, kBias, leaves), tflite());
    mlir::Operation* svdf = find(*t.graph.module, "qnn.svdf");
    ASSERT_TRUE(svdf);
    EXPECT_EQ(nn::constantInts(svdf->getOperand(3)), std::vector<int64_t>({16777217, 5}));
    // 0.5 * 0.25 / 0.125 and 0.125 * 0.5 / 0.25
    EXPECT_EQ(svdf->getAttrOfType<mlir::DenseI64ArrayAttr>("multiplier").asArrayRef(),
              llvm::ArrayRef<int64_t>({1 << 30, 1 << 30}));
    EXPECT_EQ(svdf->getAttrOfType<mlir::DenseI64ArrayAttr>("shift").asArrayRef(),
              llvm::ArrayRef<int64_t>({-1, 1}));
    rt::TensorType next;
    ASSERT_TRUE(nn::tensorType(svdf->getResult(1).getType(), next));
    EXPECT_EQ(next.dtype, rt::DType::I16);
    EXPECT_EQ(t.graph.notes, std::vector<std::string>());
  }
}

TEST(AsIs, AnSvdfLayerStaysFloatWhereTheArithmeticDoes) {
  SvdfNet other;
  Taken t = take(other.make({0.25f, 0}, kBias));
  EXPECT_TRUE(find(*t.graph.module, "nn.svdf"));
  for (const Scale& feature : {Scale{0.25f, 3}, Scale{1e30f, 0}}) {
    SvdfNet net;
    Taken refused = take(net.make(feature, kBias), tflite());
    EXPECT_TRUE(find(*refused.graph.module, "nn.svdf"));
    ASSERT_EQ(refused.graph.notes.size(), 1u);
  }
  SvdfNet wide;
  Taken refused = take(wide.make({0.25f, 0}, {0.0625f, 0, rt::DType::I16}), tflite());
  EXPECT_NE(refused.graph.notes.at(0).find("bias"), std::string::npos);
}

// One unit, one feature.
struct LstmNet : Net {
  Scale x{0.5f, 7}, y{0.0078125f, -3}, cell{0.00048828125f, 0, rt::DType::I16};
  std::vector<float> gates = {0.25f, 0.5f, 0.125f, 0.25f};
  int recurrentBias = 0, weightZero = 0;
  float cellClip = 0;

  mlir::Value joined(const std::vector<int64_t>& values, const std::vector<int64_t>& shape,
                     const std::vector<float>& scales, int zero, rt::DType dtype, const std::string& name) {
    const int64_t count = static_cast<int64_t>(scales.size());
    return *builder.op("dequantize",
                       {integers(values, shape, dtype, name), builder.constantFloats(scales, {count}),
                        integers(std::vector<int64_t>(scales.size(), zero), {count}, dtype, {})},
                       builder.attrs().i("axis", 1), name + "/real", {}, nn::Fold::Never);
  }
  mlir::ModuleOp make() {
    mlir::Value in = dequantize(quantize(builder.input("x", {rt::DType::F32, {3, 1, 1}}), x, "x_q"), x);
    std::vector<float> biasScales = {0.125f, 0.25f, 0.0625f, 0.125f, 1, 1, 1, 1};
    nn::AttrList attrs = builder.attrs().s("direction", "forward").i("hidden", 1);
    if (cellClip > 0) attrs.f("cell_clip", cellClip);
    auto results = *builder.ops(
        "lstm",
        {in, joined({1, 2, 3, 4}, {1, 4, 1}, gates, weightZero, rt::DType::I8, "w"),
         joined({5, 6, 7, 8}, {1, 4, 1}, gates, 0, rt::DType::I8, "r"),
         joined({16777217, 2, 3, 4, 0, 0, 0, recurrentBias}, {1, 8}, biasScales, 0, rt::DType::I32, "b"),
         builder.none(), constant({y.zero}, {1, 1, 1}, y, "h"), constant({0}, {1, 1, 1}, cell, "c"),
         builder.none()},
        attrs, {"y/float", "yh", "yc"}, "layer");
    return finish(dequantize(quantize(results[0], y, "y"), y));
  }
};

TEST(AsIs, AnLstmRunsOnItsIntegers) {
  LstmNet net;
  net.cellClip = 10;
  Taken t = take(net.make(), tflite());
  mlir::Operation* lstm = find(*t.graph.module, "qnn.lstm");
  ASSERT_TRUE(lstm);
  EXPECT_EQ(nn::constantBytes(lstm->getOperand(1)), llvm::ArrayRef<char>({1, 2, 3, 4}));
  EXPECT_EQ(nn::constantInts(lstm->getOperand(3)), std::vector<int64_t>({16777217, 2, 3, 4}));
  EXPECT_EQ(nn::constantBytes(lstm->getOperand(4)), llvm::ArrayRef<char>({-3}));
  // w: 0.25 * 0.5 * 2^12 = 2^9 = 0.5 * 2^10; r: 0.25 / 128 * 2^12 = 2^3; y: 2^-30 * 128 = 0.5 * 2^-22
  EXPECT_EQ(lstm->getAttrOfType<mlir::DenseI64ArrayAttr>("shift").asArrayRef(),
            llvm::ArrayRef<int64_t>({-10, -11, -9, -10, -4, -5, -3, -4, 22}));
  EXPECT_FALSE(lstm->hasAttr("h_zero"));
  EXPECT_EQ(lstm->getAttrOfType<mlir::FloatAttr>("cell_clip").getValueAsDouble(), 10);
  EXPECT_EQ(t.graph.notes, std::vector<std::string>());
}

TEST(AsIs, AnLstmThatTheKernelDoesNotKnowStaysFloat) {
  const std::pair<const char*, void (*)(LstmNet&)> changes[] = {
      {"zero point", [](LstmNet& n) { n.weightZero = 2; }},
      {"bias of its own", [](LstmNet& n) { n.recurrentBias = 1; }},
      {"power of two", [](LstmNet& n) { n.cell.scale = 0.001f; }},
      {"signed bytes", [](LstmNet& n) { n.x.dtype = rt::DType::U8; }},
  };
  for (const auto& [why, change] : changes) {
    LstmNet net;
    change(net);
    Taken t = take(net.make(), tflite());
    EXPECT_TRUE(find(*t.graph.module, "nn.lstm")) << why;
    ASSERT_EQ(t.graph.notes.size(), 1u) << why;
    EXPECT_NE(t.graph.notes[0].find(why), std::string::npos) << t.graph.notes[0];
  }
}

} // namespace
} // namespace burin::quantize::as_is_test
