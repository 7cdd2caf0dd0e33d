#include "lib/quantize/as_is_test_support.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

namespace burin::quantize::as_is_test {
namespace {

TEST(AsIs, AConvolutionKeepsWeightsBiasAndZeroPoints) {
  Net net;
  const Scale x{0.5f, 7}, w{0.25f, 130, rt::DType::U8}, y{0.125f, -3};
  mlir::Value in = net.quantize(net.builder.input("x", {rt::DType::F32, {1, 1, 2, 2}}), x, "x_q");
  mlir::Value bias =
      net.constant({16777217, 5}, {2}, {0.125f, 0, rt::DType::I32}, "bias"); // more than a float holds
  mlir::Value made =
      net.conv(net.dequantize(in, x), net.constant({255, 0}, {2, 1, 1, 1}, w, "w"), bias, "conv/float");
  mlir::Value q = net.quantize(made, y, "conv");
  Taken t = take(net.finish(net.dequantize(q, y)));
  mlir::Operation* conv = find(*t.graph.module, "qnn.conv");
  ASSERT_TRUE(conv);
  EXPECT_EQ(nn::valueName(conv->getResult(0)), "conv/quantized"); // the output's float has the name itself
  llvm::ArrayRef<char> stored = nn::constantBytes(conv->getOperand(1));
  EXPECT_EQ(std::vector<int>({static_cast<uint8_t>(stored[0]), static_cast<uint8_t>(stored[1])}),
            std::vector<int>({255, 0}));
  EXPECT_EQ(conv->getAttrOfType<mlir::DenseI64ArrayAttr>("w_zero_point").asArrayRef(),
            llvm::ArrayRef<int64_t>({130}));
  EXPECT_EQ(nn::constantInts(conv->getOperand(2)), std::vector<int64_t>({16777217, 5}));
  EXPECT_EQ(nn::constantFloats(conv->getOperand(3)), std::vector<float>({0.5f * 0.25f / 0.125f}));
  const TensorPlan* plan = t.asIs.plan.tensor("conv");
  ASSERT_TRUE(plan && plan->locked);
  EXPECT_EQ(*plan->locked, (LockedScale{0.125f, -3, rt::DType::I8}));
  EXPECT_EQ(plan->source, "model, locked");
}

TEST(AsIs, ScalesPerChannelFollowATransposedWeight) {
  Net net;
  const Scale x{0.5f, 0}, y{0.125f, 0};
  mlir::Value in = net.quantize(net.builder.input("x", {rt::DType::F32, {1, 1, 2, 2}}), x, "x_q");
  mlir::Value scales = net.builder.constantFloats(std::vector<float>{0.25f, 0.5f}, {2});
  mlir::Value zeros = net.integers({0, 0}, {2}, rt::DType::I8, {});
  mlir::Value w =
      *net.builder.op("dequantize", {net.integers({3, 4}, {1, 1, 1, 2}, rt::DType::I8, "w"), scales, zeros},
                      net.builder.attrs().i("axis", 3), "w/real", {}, nn::Fold::Never);
  mlir::Value oihw = *net.builder.op("transpose", {w}, net.builder.attrs().ints("perm", {3, 2, 0, 1}),
                                     "w/oihw", {}, nn::Fold::Never);
  mlir::Value q = net.quantize(net.conv(net.dequantize(in, x), oihw, net.builder.none(), "c"), y, "conv");
  Taken t = take(net.finish(net.dequantize(q, y)));
  mlir::Operation* conv = find(*t.graph.module, "qnn.conv");
  ASSERT_TRUE(conv);
  EXPECT_EQ(nn::constantFloats(conv->getOperand(3)), std::vector<float>({1.0f, 2.0f}));
  EXPECT_EQ(nn::constantBytes(conv->getOperand(1)), llvm::ArrayRef<char>({3, 4}));
}

TEST(AsIs, IntegersThatOnlyMoveStayIntegers) {
  Net net;
  const Scale s{0.5f, 1};
  mlir::Value q = net.quantize(net.builder.input("x", {rt::DType::F32, {2, 3}}), s, "q");
  mlir::Value moved = *net.builder.op("transpose", {q}, net.builder.attrs().ints("perm", {1, 0}), "moved");
  mlir::Value sum =
      *net.builder.op("binary", {net.dequantize(moved, s), net.constant({5}, {1}, {0.25f, 2}, "c")},
                      net.builder.attrs().s("fn", "add"), "sum");
  Taken t = take(net.finish(net.dequantize(net.quantize(sum, {1.0f, 0}, "sum_q"), {1.0f, 0})));
  mlir::Operation *transpose = find(*t.graph.module, "nn.transpose"),
                  *add = find(*t.graph.module, "qnn.binary");
  ASSERT_TRUE(transpose && add); // a table would be no addition of the model's integers
  rt::TensorType type;
  ASSERT_TRUE(nn::tensorType(transpose->getResult(0).getType(), type));
  EXPECT_EQ(type.dtype, rt::DType::I8);
}

TEST(AsIs, AChangeOfScaleIsARequantisation) {
  Net net;
  const Scale a{0.5f, 1}, b{0.25f, 128, rt::DType::U8};
  mlir::Value q = net.quantize(net.builder.input("x", {rt::DType::F32, {4}}), a, "q");
  mlir::Value other = net.quantize(net.dequantize(q, a), b, "other");
  Taken t = take(net.finish(net.dequantize(other, b)));
  mlir::Operation* requantize = find(*t.graph.module, "qnn.requantize");
  ASSERT_TRUE(requantize);
  EXPECT_EQ(nn::valueName(requantize->getResult(0)), "other/quantized");
}

TEST(AsIs, BordersOfIntegersKeepTheirTypes) {
  Net net;
  const Scale a{0.5f, 1}, b{0.25f, 128, rt::DType::U8};
  rt::TensorType type;
  type.dtype = rt::DType::I8;
  type.shape.push(4);
  mlir::Value q = net.builder.input("x", type);
  mlir::Value moved =
      *net.builder.op("reshape", {net.dequantize(q, a)}, net.builder.attrs().ints("shape", {2, 2}), "m");
  Taken t = take(net.finish(net.quantize(moved, b, "out")));
  EXPECT_FALSE(find(*t.graph.module, "qnn.quantize") || find(*t.graph.module, "qnn.dequantize"));
  mlir::Operation *input = find(*t.graph.module, "nn.input"), *output = find(*t.graph.module, "nn.output");
  for (auto [value, scale] :
       {std::pair<mlir::Value, Scale>(input->getResult(0), a), {output->getOperand(0), b}}) {
    auto element = mlir::cast<mlir::quant::UniformQuantizedType>(
        mlir::cast<mlir::RankedTensorType>(value.getType()).getElementType());
    EXPECT_EQ(element.getScale(), scale.scale);
    EXPECT_EQ(element.getZeroPoint(), scale.zero);
    EXPECT_EQ(element.isSigned(), scale.dtype == rt::DType::I8);
  }
}

TEST(AsIs, WhatTheModelLeavesFloatStaysFloat) {
  Net net;
  const Scale s{0.5f, 1};
  mlir::Value x = net.dequantize(net.quantize(net.builder.input("x", {rt::DType::F32, {4}}), s, "q"), s);
  mlir::Value y = *net.builder.op("unary", {x}, net.builder.attrs().s("fn", "sigmoid"), "y");
  Taken t = take(net.finish(y));
  EXPECT_TRUE(find(*t.graph.module, "nn.unary"));
  EXPECT_EQ(t.asIs.plan.op("y")->reason, "its result is not quantized in the model");
}

TEST(AsIs, AFloatModelIsRefused) {
  Net net;
  auto taken = takeAsIs(net.finish(*net.builder.op("unary", {net.builder.input("x", {rt::DType::F32, {4}})},
                                                   net.builder.attrs().s("fn", "relu"), "y")),
                        "h", cpu());
  ASSERT_FALSE(taken.has_value());
  EXPECT_EQ(taken.error().code, ErrorCode::Unsupported);
}

TEST(AsIs, IntegerWeightsAloneBecomeReal) {
  Net net;
  mlir::Value w = net.constant({4, -2}, {2, 1}, {0.5f, 0}, "w");
  mlir::Value x = net.builder.input("x", {rt::DType::F32, {1, 2}});
  mlir::ModuleOp module =
      net.finish(*net.builder.op("matmul", {x, w, net.builder.none()}, net.builder.attrs(), "y"));
  EXPECT_FALSE(quantizesActivations(module));
  auto real = withRealConstants(module);
  ASSERT_TRUE(real.has_value() && *real);
  EXPECT_EQ(nn::constantFloats(find(**real, "nn.matmul")->getOperand(1)), std::vector<float>({2.0f, -1.0f}));
}

// Between the layers of the network behind a quantized model nothing is rounded: other integers may be chosen
// for it.
TEST(AsIs, TheFloatNetworkBehindTheIntegers) {
  Net net;
  const Scale in{0.1f, 0}, between{0.2f, 3}, out{0.4f, -1};
  mlir::Value x = net.builder.input("x", {rt::DType::F32, {1, 1, 2, 2}});
  mlir::Value w = net.constant({2}, {1, 1, 1, 1}, {0.5f, 0}, "w");
  mlir::Value none = net.builder.none();
  mlir::Value a = net.dequantize(net.quantize(x, in, "x8"), in);
  mlir::Value b = net.dequantize(net.quantize(net.conv(a, w, none, "first"), between, "b8"), between);
  mlir::ModuleOp module =
      net.finish(net.dequantize(net.quantize(net.conv(b, w, none, "second"), out, "y8"), out));
  EXPECT_TRUE(quantizesActivations(module));
  auto real = withoutQuantization(module);
  ASSERT_TRUE(real.has_value());
  EXPECT_FALSE(quantizesActivations(**real));
  EXPECT_EQ(find(**real, "nn.dequantize"), nullptr);
  EXPECT_EQ(nn::constantFloats(find(**real, "nn.conv")->getOperand(1)), std::vector<float>({1.0f}));
}

// x and y of 16 bits, weights of 8; the bias of 64 bits or 32.
mlir::ModuleOp wideNet(Net& net, rt::DType biasType) {
  const Scale x{0.5f, 0, rt::DType::I16}, y{0.125f, 0, rt::DType::I16};
  mlir::Value in = net.quantize(net.builder.input("x", {rt::DType::F32, {1, 1, 2, 2}}), x, "x_q");
  mlir::Value w = net.constant({3, -2}, {2, 1, 1, 1}, {0.25f, 0}, "w");
  const int64_t big = biasType == rt::DType::I64 ? (int64_t{1} << 40) + 1 : 16777217;
  mlir::Value made = net.conv(net.dequantize(in, x), w,
                              net.constant({big, 5}, {2}, {0.125f, 0, biasType}, "bias"), "conv/float");
  return net.finish(net.dequantize(net.quantize(made, y, "conv"), y));
}

TEST(AsIs, SixteenBitsAreSummedInSixtyFour) {
  for (rt::DType biasType : {rt::DType::I64, rt::DType::I32}) {
    Net net;
    const bool wide = biasType == rt::DType::I64;
    Taken t = take(wideNet(net, biasType), tflite());
    mlir::Operation* conv = find(*t.graph.module, "qnn.conv");
    ASSERT_TRUE(conv);
    EXPECT_EQ(conv->hasAttr("wide"), wide); // as the source's makers compute it
    EXPECT_EQ(nn::typeOf(conv->getOperand(2)).dtype, biasType);
    EXPECT_EQ(nn::constantInts(conv->getOperand(2))[0], wide ? (int64_t{1} << 40) + 1 : 16777217);
    EXPECT_EQ(nn::typeOf(conv->getResult(0)).dtype, rt::DType::I16);
    EXPECT_EQ(t.asIs.plan.op("conv")->precision, Precision::Int16);
    EXPECT_EQ(t.asIs.plan.tensor("conv")->max, 32767 * 0.125);
  }
}

TEST(AsIs, TargetsWithoutSixteenBitsStayFloat) {
  Net net;
  auto asIs = takeAsIs(wideNet(net, rt::DType::I64), "h", *loadTarget("bm1684x"));
  ASSERT_TRUE(asIs.has_value());
  EXPECT_EQ(asIs->plan.op("conv")->precision, Precision::F32);
  EXPECT_NE(asIs->plan.op("conv")->reason.find("int16"), std::string::npos) << asIs->plan.op("conv")->reason;
}

TEST(AsIs, ThePrecisionOfAPlanFitsItsTensors) {
  Net net;
  const Target target = tflite();
  auto asIs = takeAsIs(wideNet(net, rt::DType::I64), "h", target);
  ASSERT_TRUE(asIs.has_value());
  for (OpPlan& op : asIs->plan.ops)
    if (op.precision == Precision::Int16) op.precision = Precision::Int8;
  auto graph = applyPlan(*asIs->module->getOps<nn::GraphOp>().begin(), asIs->plan, target, asIs->stored);
  ASSERT_FALSE(graph.has_value());
  EXPECT_NE(graph.error().text().find("16 bits"), std::string::npos) << graph.error().text();
}

TEST(AsIs, ThePlanKeepsTheLock) {
  QuantPlan plan;
  TensorPlan t;
  t.name = "t", t.min = -1, t.max = 1, t.threshold = 1;
  t.locked = LockedScale{0.0078125f, 3, rt::DType::U8};
  plan.tensors = {t};
  auto read = planFromJson(toJson(plan), "p");
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->tensors[0].locked, t.locked);
  plan.tensors[0].locked = LockedScale{0.0078125f, -300, rt::DType::I16};
  EXPECT_EQ(planFromJson(toJson(plan), "p")->tensors[0].locked->zeroPoint, -300);
  plan.tensors[0].locked = t.locked;
  std::string bad = toJson(plan);
  bad.replace(bad.find("\"zero_point\": 3"), 15, "\"zero_point\": 300");
  EXPECT_FALSE(planFromJson(bad, "p").has_value());
}

} // namespace
} // namespace burin::quantize::as_is_test
