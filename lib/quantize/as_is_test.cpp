#include "lib/quantize/as_is.h"

#include "lib/quantize/quantizer.h"
#include "lib/quantize/test_support.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

#include <gtest/gtest.h>

namespace burin::quantize {
namespace {

struct Scale {
  float scale;
  int64_t zero;
  rt::DType dtype = rt::DType::I8;
};

// A network as importers of quantized formats write it.
struct Net {
  std::unique_ptr<mlir::MLIRContext> context = nn::makeContext();
  nn::GraphBuilder builder{context.get()};
  mlir::OwningOpRef<mlir::ModuleOp> module;

  mlir::Value integers(const std::vector<int64_t>& values, const std::vector<int64_t>& shape, rt::DType dtype,
                       const std::string& name) {
    rt::TensorType type;
    type.dtype = dtype;
    for (int64_t d : shape) type.shape.push(d);
    std::vector<char> bytes;
    for (int64_t v : values) // little endian
      bytes.insert(bytes.end(), reinterpret_cast<char*>(&v),
                   reinterpret_cast<char*>(&v) + rt::dtypeBytes(dtype));
    return builder.constant(type, bytes, name);
  }
  mlir::Value scaled(const char* op, mlir::Value x, const Scale& s, const std::string& name) {
    mlir::Value zero = integers({s.zero}, {}, s.dtype, {});
    return *builder.op(op, {x, builder.constantFloat(s.scale), zero}, builder.attrs().i("axis", 0), name, {},
                       nn::Fold::Never);
  }
  mlir::Value quantize(mlir::Value x, const Scale& s, const std::string& name) {
    return scaled("quantize", x, s, name);
  }
  mlir::Value dequantize(mlir::Value q, const Scale& s) {
    return scaled("dequantize", q, s, nn::valueName(q) + "/real");
  }
  mlir::Value conv(mlir::Value x, mlir::Value w, mlir::Value bias, const std::string& name) {
    return *builder.op("conv", {x, w, bias}, test::plainConvolution(builder), name);
  }
  mlir::Value constant(const std::vector<int64_t>& values, const std::vector<int64_t>& shape, const Scale& s,
                       const std::string& name) {
    return dequantize(integers(values, shape, s.dtype, name), s);
  }
  mlir::ModuleOp finish(mlir::Value output) {
    module = *builder.finish({output}, {"out"});
    return *module;
  }
};

Target cpu() { return *loadTarget("cpu"); }

// The only op of this name in the quantized graph, or null.
mlir::Operation* find(mlir::ModuleOp module, llvm::StringRef name) {
  mlir::Operation* found = nullptr;
  module.walk([&](mlir::Operation* op) {
    if (op->getName().getStringRef() == name) found = op;
  });
  return found;
}

struct Taken {
  AsIs asIs;
  QuantizedGraph graph;
};
Taken take(mlir::ModuleOp module, const Target& target = cpu()) {
  Taken t;
  auto asIs = takeAsIs(module, "h", target);
  EXPECT_TRUE(asIs.has_value()) << asIs.error().text();
  t.asIs = std::move(*asIs);
  auto graph = applyPlan(*t.asIs.module->getOps<nn::GraphOp>().begin(), t.asIs.plan, target, t.asIs.stored);
  EXPECT_TRUE(graph.has_value()) << graph.error().text();
  t.graph = std::move(*graph);
  return t;
}

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

TEST(AsIs, TfliteComputesSoftmaxInItsFixedPoint) {
  for (const bool known : {true, false}) {
    Net net;
    const Scale a{0.1f, 3}, b{known ? 1.0f / 256 : 0.01f, -128};
    mlir::Value x = net.dequantize(net.quantize(net.builder.input("x", {rt::DType::F32, {1, 4}}), a, "q"), a);
    mlir::Value scaled = *net.builder.op("binary", {x, net.builder.constantFloat(0.7f)},
                                         net.builder.attrs().s("fn", "mul"), "scaled");
    mlir::Value y = *net.builder.op("softmax", {scaled}, net.builder.attrs().i("axis", 1), "y");
    Taken t = take(net.finish(net.dequantize(net.quantize(y, b, "y_q"), b)), *loadTarget("tflite"));
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
  Taken t = take(net.finish(net.dequantize(net.quantize(y, b, "y_q"), b)), *loadTarget("tflite"));
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
    Taken t = take(net.finish(net.dequantize(q, y)), *loadTarget("tflite"));
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
  Taken t = take(ofTwo(net, "div", {0.5f, 1}, true), *loadTarget("tflite"));
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
    Taken t = take(net.finish(net.dequantize(net.quantize(square, y, "y_q"), y)), *loadTarget("tflite"));
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
    Taken t = take(net.finish(net.dequantize(net.quantize(made, y, "y_q"), y)), *loadTarget("tflite"));
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
  Taken t = take(net.finish(*net.builder.op("arg_reduce", {x}, along, "y")), *loadTarget("tflite"));
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
  Taken t = take(net.finish(net.dequantize(net.quantize(y, a, "y_q"), a)), *loadTarget("tflite"));
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
  Taken t = take(net.finish(net.dequantize(net.quantize(made, y, "c"), y)), *loadTarget("tflite"));
  mlir::Operation* conv = find(*t.graph.module, "qnn.conv");
  ASSERT_TRUE(conv);
  rt::Requant expected;
  ASSERT_EQ(rt::encodeRequant(rt::RequantPolicy::Tflite,
                              rt::requantScaleTfliteFullyConnected(0.1f, 0.3f, 0.7f), expected),
            rt::EncodeStatus::Ok);
  EXPECT_EQ(nn::constantInts(conv->getOperand(3)), std::vector<int64_t>({expected.multiplier}));
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
    Taken t = take(wideNet(net, biasType), *loadTarget("tflite"));
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
  const Target target = *loadTarget("tflite");
  auto asIs = takeAsIs(wideNet(net, rt::DType::I64), "h", target);
  ASSERT_TRUE(asIs.has_value());
  for (OpPlan& op : asIs->plan.ops)
    if (op.precision == Precision::Int16) op.precision = Precision::Int8;
  auto graph = applyPlan(*asIs->module->getOps<nn::GraphOp>().begin(), asIs->plan, target, asIs->stored);
  ASSERT_FALSE(graph.has_value());
  EXPECT_NE(graph.error().text().find("16 bits"), std::string::npos) << graph.error().text();
}

TEST(AsIs, TablesOfSixteenBits) {
  Net net;
  const Scale a{0x1p-12f, 0, rt::DType::I16}, b{0x1p-15f, 0, rt::DType::I16};
  mlir::Value x = net.dequantize(net.quantize(net.builder.input("x", {rt::DType::F32, {1, 4}}), a, "q"), a);
  mlir::Value y = *net.builder.op("unary", {x}, net.builder.attrs().s("fn", "sigmoid"), "y");
  Taken t = take(net.finish(net.dequantize(net.quantize(y, b, "y_q"), b)), *loadTarget("tflite"));
  mlir::Operation* lut = find(*t.graph.module, "qnn.lut");
  ASSERT_TRUE(lut);
  const std::vector<int64_t> table = nn::constantInts(lut->getOperand(1));
  ASSERT_EQ(table.size(), 65536u);
  EXPECT_EQ(table[4096], 23956); // [SIGMOID-TFLITE16]
  EXPECT_EQ(table[65536 - 4096], 8812);
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

Target tflite() { return *loadTarget("tflite"); }

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
} // namespace burin::quantize
