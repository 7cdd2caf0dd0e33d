#include "lib/quantize/as_is_test_support.h"

namespace burin::quantize::as_is_test {
namespace {

TEST(AsIs, TfliteComputesSoftmaxInItsFixedPoint) {
  for (const bool known : {true, false}) {
    Net net;
    const Scale a{0.1f, 3}, b{known ? 1.0f / 256 : 0.01f, -128};
    mlir::Value x = net.dequantize(net.quantize(net.builder.input("x", {rt::DType::F32, {1, 4}}), a, "q"), a);
    mlir::Value scaled = *net.builder.op("binary", {x, net.builder.constantFloat(0.7f)},
                                         net.builder.attrs().s("fn", "mul"), "scaled");
    mlir::Value y = *net.builder.op("softmax", {scaled}, net.builder.attrs().i("axis", 1), "y");
    Taken t = take(net.finish(net.dequantize(net.quantize(y, b, "y_q"), b)), tflite());
    mlir::Operation* softmax = find(*t.graph.module, "qnn.softmax");
    EXPECT_EQ(softmax != nullptr, known); // of the scale 1/256 only
    if (!known) continue;
    EXPECT_EQ(softmax->getAttrOfType<mlir::FloatAttr>("beta").getValueAsDouble(), 0.7f);
    EXPECT_EQ(nn::valueName(softmax->getOperand(0)), "x/quantize"); // the factor is the softmax's own
  }
}

TEST(AsIs, TfliteSlopesAreTheModelsIntegers) {
  Net net;
  const Scale a{0.1f, 0}, b{0.1f, 0}, slope{0.25f, 3};
  mlir::Value x =
      net.dequantize(net.quantize(net.builder.input("x", {rt::DType::F32, {1, 2, 1, 4}}), a, "q"), a);
  mlir::Value y = *net.builder.op("binary", {x, net.constant({1, 3}, {2, 1, 1}, slope, "slope")},
                                  net.builder.attrs().s("fn", "prelu"), "y");
  Taken t = take(net.finish(net.dequantize(net.quantize(y, b, "y_q"), b)), tflite());
  mlir::Operation* table = find(*t.graph.module, "qnn.lut");
  ASSERT_TRUE(table);
  llvm::ArrayRef<char> entries = nn::constantBytes(table->getOperand(1));
  ASSERT_EQ(entries.size(), 512u);
  // -5 times the slope (1 - 3) / 4 is 2.5, half away 3; times (3 - 3) / 4 it is 0; 9 stays.
  EXPECT_EQ(entries[static_cast<uint8_t>(-5)], 3);
  EXPECT_EQ(entries[256 + static_cast<uint8_t>(-5)], 0);
  EXPECT_EQ(entries[9], 9);
}

// One op of two quantized activations whose result, if it is real, is quantized to y.
mlir::ModuleOp ofTwo(Net& net, const char* fn, const Scale& y, bool real) {
  const Scale a{0.1f, 3}, b{0.2f, -5};
  auto operand = [&](const char* name, const Scale& s) {
    mlir::Value x = net.builder.input(name, {rt::DType::F32, {2, 3}});
    return net.dequantize(net.quantize(x, s, std::string(name) + "_q"), s);
  };
  mlir::Value left = operand("a", a), right = operand("b", b);
  mlir::Value made =
      *net.builder.op("binary", {left, right}, net.builder.attrs().s("fn", fn), "made", {}, nn::Fold::Never);
  return net.finish(real ? net.dequantize(net.quantize(made, y, "y_q"), y) : made);
}

// Importers of files with operators on real numbers between integers mark where those are rounded.
TEST(AsIs, WhatTheSourceComputesInFloatStaysFloat) {
  for (const bool computed : {true, false}) {
    Net net;
    const Scale a{0.1f, -128}, y{0.05f, -100};
    mlir::Value x = net.dequantize(net.quantize(net.builder.input("x", {rt::DType::F32, {4}}), a, "q"), a);
    mlir::Value root = *net.builder.op("unary", {x}, net.builder.attrs().s("fn", "sqrt"), "root");
    mlir::Value q = net.quantize(root, y, "y_q");
    if (computed) q.getDefiningOp()->setAttr("real", mlir::BoolAttr::get(net.context.get(), true));
    Taken t = take(net.finish(net.dequantize(q, y)), tflite());
    EXPECT_EQ(find(*t.graph.module, "qnn.lut") == nullptr, computed);
    EXPECT_EQ(t.asIs.plan.op("root") != nullptr, computed); // else the op has the name of its integers
  }
}

TEST(AsIs, TfliteComparesIntegers) {
  for (const char* target : {"tflite", "cpu"}) {
    Net net;
    Taken t = take(ofTwo(net, "less", {1, 0}, false), *loadTarget(target));
    mlir::Operation *integers = find(*t.graph.module, "qnn.binary"),
                    *real = find(*t.graph.module, "nn.binary");
    EXPECT_EQ(integers != nullptr, std::string(target) == "tflite"); // the others compare real numbers
    EXPECT_EQ(real == nullptr, std::string(target) == "tflite");
    if (!integers) continue;
    EXPECT_EQ(integers->getAttrOfType<mlir::StringAttr>("fn").getValue(), "less");
    EXPECT_EQ(nn::valueName(integers->getResult(0)), "made");
    EXPECT_FALSE(find(*t.graph.module, "qnn.dequantize"));
    EXPECT_FALSE(t.asIs.plan.op("made")->floatResult);
  }
}

TEST(AsIs, TfliteDividesIntegers) {
  Net net;
  Taken t = take(ofTwo(net, "div", {0.5f, 1}, true), tflite());
  mlir::Operation* quotient = find(*t.graph.module, "qnn.binary");
  ASSERT_TRUE(quotient);
  EXPECT_EQ(quotient->getAttrOfType<mlir::StringAttr>("fn").getValue(), "div");
}

// The importer writes it as two ops; where the model rounds between them, it is two operators.
TEST(AsIs, TfliteSquaresDifferencesAtOnce) {
  for (const bool rounded : {false, true}) {
    Net net;
    const Scale a{0.1f, 3}, between{0.3f, 1}, y{0.5f, -7};
    mlir::Value x = net.dequantize(net.quantize(net.builder.input("x", {rt::DType::F32, {4}}), a, "q"), a);
    mlir::Value d = *net.builder.op("binary", {x, net.constant({5}, {1}, {0.25f, 2}, "c")},
                                    net.builder.attrs().s("fn", "sub"), "d");
    if (rounded) d = net.dequantize(net.quantize(d, between, "d_q"), between);
    mlir::Value square = *net.builder.op("unary", {d}, net.builder.attrs().s("fn", "square"), "square");
    Taken t = take(net.finish(net.dequantize(net.quantize(square, y, "y_q"), y)), tflite());
    mlir::Operation *pair = find(*t.graph.module, "qnn.binary"), *table = find(*t.graph.module, "qnn.lut");
    ASSERT_TRUE(pair);
    EXPECT_EQ(pair->getAttrOfType<mlir::StringAttr>("fn").getValue(), rounded ? "sub" : "squared_difference");
    EXPECT_EQ(table != nullptr, rounded);
    EXPECT_FALSE(find(*t.graph.module, "nn.binary")); // nobody reads the difference any more
  }
}

TEST(AsIs, TfliteNormalizesIntegers) {
  for (const bool known : {true, false}) {
    Net net;
    const Scale a{0.1f, 3}, y{known ? 1.0f / 128 : 0.01f, 0};
    mlir::Value x = net.dequantize(net.quantize(net.builder.input("x", {rt::DType::F32, {2, 4}}), a, "q"), a);
    const nn::AttrList along =
        net.builder.attrs().s("fn", "sum_square").ints("axes", {1}).b("keep_dims", true);
    mlir::Value sum = *net.builder.op("reduce", {x}, along, "sum");
    mlir::Value bound = *net.builder.op("binary", {sum, net.builder.constantFloat(1e-6f)},
                                        net.builder.attrs().s("fn", "max"), "bound");
    mlir::Value root = *net.builder.op("unary", {bound}, net.builder.attrs().s("fn", "rsqrt"), "root");
    mlir::Value made = *net.builder.op("binary", {x, root}, net.builder.attrs().s("fn", "mul"), "made");
    Taken t = take(net.finish(net.dequantize(net.quantize(made, y, "y_q"), y)), tflite());
    mlir::Operation* normalize = find(*t.graph.module, "qnn.l2_normalize");
    EXPECT_EQ(normalize != nullptr, known); // of the scale 1/128 only
    EXPECT_EQ(find(*t.graph.module, "nn.reduce") == nullptr, known);
    if (known) EXPECT_EQ(normalize->getAttrOfType<mlir::IntegerAttr>("axis").getInt(), 1);
  }
}

TEST(AsIs, TfliteOrdersStoredIntegers) {
  Net net;
  const Scale a{0.1f, 3};
  mlir::Value x = net.dequantize(net.quantize(net.builder.input("x", {rt::DType::F32, {2, 4}}), a, "q"), a);
  const nn::AttrList along = net.builder.attrs().s("fn", "max").i("axis", 1).b("keep_dims", false);
  Taken t = take(net.finish(*net.builder.op("arg_reduce", {x}, along, "y")), tflite());
  mlir::Operation* place = find(*t.graph.module, "nn.arg_reduce");
  ASSERT_TRUE(place);
  rt::TensorType type;
  ASSERT_TRUE(nn::tensorType(place->getOperand(0).getType(), type));
  EXPECT_EQ(type.dtype, rt::DType::I8);
  EXPECT_EQ(nn::valueName(place->getResult(0)), "y");
}

TEST(AsIs, AClampAfterAPoolSeesItsIntegers) {
  Net net;
  const Scale a{0.1f, 3};
  mlir::Value x =
      net.dequantize(net.quantize(net.builder.input("x", {rt::DType::F32, {1, 1, 4, 4}}), a, "q"), a);
  mlir::Value pool = *net.builder.op("avg_pool", {x},
                                     net.builder.attrs()
                                         .ints("kernel", {2, 2})
                                         .ints("strides", {2, 2})
                                         .ints("dilations", {1, 1})
                                         .ints("pads", {0, 0, 0, 0})
                                         .ints("sizes", {2, 2}),
                                     "pool");
  mlir::Value y = *net.builder.op("unary", {pool}, net.builder.attrs().s("fn", "relu"), "y");
  Taken t = take(net.finish(net.dequantize(net.quantize(y, a, "y_q"), a)), tflite());
  mlir::Operation* averaged = find(*t.graph.module, "qnn.avg_pool");
  ASSERT_TRUE(averaged && find(*t.graph.module, "qnn.lut"));
  EXPECT_EQ(averaged->getAttrOfType<mlir::StringAttr>("requant").getValue(), "integer_half_away");
}

TEST(AsIs, UnsignedWeightsMultiplyTheirScalesInFloat) {
  Net net;
  const Scale x{0.1f, 7, rt::DType::U8}, w{0.3f, 130, rt::DType::U8}, y{0.7f, 3, rt::DType::U8};
  mlir::Value in = net.quantize(net.builder.input("x", {rt::DType::F32, {1, 1, 2, 2}}), x, "x_q");
  mlir::Value made =
      net.conv(net.dequantize(in, x), net.constant({255}, {1, 1, 1, 1}, w, "w"), net.builder.none(), "conv");
  Taken t = take(net.finish(net.dequantize(net.quantize(made, y, "c"), y)), tflite());
  mlir::Operation* conv = find(*t.graph.module, "qnn.conv");
  ASSERT_TRUE(conv);
  rt::Requant expected;
  ASSERT_EQ(rt::encodeRequant(rt::RequantPolicy::Tflite,
                              rt::requantScaleTfliteFullyConnected(0.1f, 0.3f, 0.7f), expected),
            rt::EncodeStatus::Ok);
  EXPECT_EQ(nn::constantInts(conv->getOperand(3)), std::vector<int64_t>({expected.multiplier}));
}

TEST(AsIs, TablesOfSixteenBits) {
  Net net;
  const Scale a{0x1p-12f, 0, rt::DType::I16}, b{0x1p-15f, 0, rt::DType::I16};
  mlir::Value x = net.dequantize(net.quantize(net.builder.input("x", {rt::DType::F32, {1, 4}}), a, "q"), a);
  mlir::Value y = *net.builder.op("unary", {x}, net.builder.attrs().s("fn", "sigmoid"), "y");
  Taken t = take(net.finish(net.dequantize(net.quantize(y, b, "y_q"), b)), tflite());
  mlir::Operation* lut = find(*t.graph.module, "qnn.lut");
  ASSERT_TRUE(lut);
  const std::vector<int64_t> table = nn::constantInts(lut->getOperand(1));
  ASSERT_EQ(table.size(), 65536u);
  EXPECT_EQ(table[4096], 23956); // [SIGMOID-TFLITE16]
  EXPECT_EQ(table[65536 - 4096], 8812);
}

} // namespace
} // namespace burin::quantize::as_is_test
