// What differs between versions of an operator, and attributes that take thought.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/test_model.h"

#include <algorithm>

using namespace burin;
using namespace burin::onnx::test;

namespace {
std::vector<int64_t> list(std::initializer_list<int64_t> values) { return values; }
TensorProto absent() { return TensorProto(); }
} // namespace

TEST(OnnxConv, ResolvesAutoPad) {
  TensorProto w = floatTensor("w", {1, 1, 4, 4}, std::vector<float>(16, 1.0f));
  Imported upper =
      Case(11, "Conv", {attribute("auto_pad", "SAME_UPPER"), attribute("strides", list({2, 1}))}, {w})
          .graph({1, 1, 7, 6});
  ASSERT_TRUE(upper.ok()) << upper.error();
  EXPECT_EQ(upper.intsOf("conv", "pads"), list({1, 1, 2, 2}));
  EXPECT_EQ(upper.shape(), "1x1x4x6");
  Imported lower = Case(11, "Conv", {attribute("auto_pad", "SAME_LOWER")}, {w}).graph({1, 1, 7, 6});
  EXPECT_EQ(lower.intsOf("conv", "pads"), list({2, 2, 1, 1}));
  Imported valid = Case(11, "Conv", {attribute("auto_pad", "VALID")}, {w}).graph({1, 1, 7, 6});
  EXPECT_EQ(valid.shape(), "1x1x4x3");
}

TEST(OnnxConv, NamesWhatDoesNotFit) {
  TensorProto w = floatTensor("w", {1, 1, 9, 9}, std::vector<float>(81, 1.0f));
  std::string error = Case(11, "Conv", {}, {w}).graph({1, 1, 7, 6}).error();
  EXPECT_TRUE(has(error, "node (Conv)") && has(error, "window of 9")) << error;
  EXPECT_TRUE(has(Case(11, "Conv", {attribute("pads", list({1}))}, {w}).graph({1, 1, 9, 9}).error(),
                  "'pads' has 1 entries, 4"));
  EXPECT_TRUE(has(Case(11, "Conv", {attribute("strides", list({0, 1}))}, {w}).graph({1, 1, 9, 9}).error(),
                  "'strides' holds 0"));
  EXPECT_TRUE(
      has(Case(11, "Conv", {attribute("pads", 1.0f)}, {w}).graph({1, 1, 9, 9}).error(), "wrong type"));
}

TEST(OnnxConvTranspose, TakesOutputShape) {
  TensorProto w = floatTensor("w", {1, 1, 3, 3}, std::vector<float>(9, 1.0f));
  Imported m = Case(11, "ConvTranspose",
                    {attribute("strides", list({3, 2})), attribute("output_shape", list({10, 8}))}, {w})
                   .graph({1, 1, 3, 3});
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.shape(), "1x1x10x8");
  Imported same = Case(11, "ConvTranspose",
                       {attribute("strides", list({2, 2})), attribute("auto_pad", "SAME_UPPER")}, {w})
                      .graph({1, 1, 3, 3});
  EXPECT_EQ(same.shape(), "1x1x6x6");
  EXPECT_EQ(same.intsOf("conv_transpose", "pads"), list({0, 0, 1, 1}));
}

TEST(OnnxPool, CeilModeDropsAWindowThatStartsInThePadding) {
  Attributes attributes = {attribute("kernel_shape", list({2})), attribute("strides", list({2})),
                           attribute("ceil_mode", int64_t(1))};
  EXPECT_EQ(Case(12, "MaxPool", attributes, {}).graph({1, 1, 5}).shape(), "1x1x3");
  attributes.push_back(attribute("pads", list({1, 1})));
  // (5 + 2 - 2) / 2 rounded up + 1 = 4, but the fourth window starts at 6 = 5 + 1.
  EXPECT_EQ(Case(12, "MaxPool", attributes, {}).graph({1, 1, 5}).shape(), "1x1x3");
}

TEST(OnnxPool, CountsPaddingOnRequest) {
  Attributes attributes = {attribute("kernel_shape", list({3})), attribute("pads", list({1, 1})),
                           attribute("count_include_pad", int64_t(1))};
  EXPECT_EQ(Case(11, "AveragePool", attributes, {}).run({1, 1, 3}, {3, 3, 3}).floats(),
            (std::vector<float>{2, 3, 2}));
  attributes.pop_back();
  EXPECT_EQ(Case(11, "AveragePool", attributes, {}).run({1, 1, 3}, {3, 3, 3}).floats(),
            (std::vector<float>{3, 3, 3}));
}

TEST(OnnxSoftmax, FlattensBeforeOpset13) {
  Imported old = Case(11, "Softmax", {}, {}).run({1, 2, 2}, {0, 0, 0, 0});
  EXPECT_EQ(old.floats(), (std::vector<float>{0.25f, 0.25f, 0.25f, 0.25f}));
  Imported now = Case(13, "Softmax", {}, {}).run({1, 2, 2}, {0, 0, 0, 0});
  EXPECT_EQ(now.floats(), (std::vector<float>{0.5f, 0.5f, 0.5f, 0.5f}));
  EXPECT_EQ(Case(11, "Softmax", {attribute("axis", int64_t(1))}, {}).graph({1, 10, 1, 1}).ops(),
            std::vector<std::string>{"softmax"});
}

TEST(OnnxShape, SqueezesByAttributeAndByInput) {
  EXPECT_EQ(Case(11, "Squeeze", {attribute("axes", list({0, -1}))}, {}).graph({1, 3, 1}).shape(), "3");
  EXPECT_EQ(Case(13, "Squeeze", {}, {intTensor("a", {1}, {2})}).graph({1, 3, 1}).shape(), "1x3");
  EXPECT_EQ(Case(13, "Squeeze", {}, {}).graph({1, 3, 1}).shape(), "3");
  EXPECT_TRUE(has(Case(13, "Squeeze", {}, {intTensor("a", {1}, {1})}).graph({1, 3, 1}).error(),
                  "axis 1 has 3 entries"));
  EXPECT_EQ(Case(11, "Unsqueeze", {attribute("axes", list({0, -1}))}, {}).graph({3}).shape(), "1x3x1");
  EXPECT_EQ(Case(13, "Unsqueeze", {}, {intTensor("a", {2}, {2, 0})}).graph({3}).shape(), "1x3x1");
}

TEST(OnnxShape, ReshapesWithZeroAndMinusOne) {
  EXPECT_EQ(Case(13, "Reshape", {}, {intTensor("s", {3}, {0, -1, 2})}).graph({3, 8}).shape(), "3x4x2");
  EXPECT_TRUE(has(Case(13, "Reshape", {}, {intTensor("s", {2}, {5, -1})}).graph({3, 8}).error(),
                  "24 elements cannot take the shape"));
  EXPECT_TRUE(has(Case(13, "Reshape", {}, {intTensor("s", {3}, {1, 1, 0})}).graph({3, 8}).error(),
                  "copies a dimension"));
}

TEST(OnnxSlice, ClampsLikePython) {
  EXPECT_EQ(Case(9, "Slice", {attribute("starts", list({-3})), attribute("ends", list({1000}))}, {})
                .run({5})
                .floats(),
            (std::vector<float>{2, 3, 4}));
  auto slice = [](int64_t start, int64_t end, int64_t step) {
    return Case(10, "Slice", {},
                {intTensor("s", {1}, {start}), intTensor("e", {1}, {end}), intTensor("a", {1}, {0}),
                 intTensor("t", {1}, {step})})
        .run({5})
        .floats();
  };
  EXPECT_EQ(slice(0, INT64_MAX, 2), (std::vector<float>{0, 2, 4}));
  EXPECT_EQ(slice(-1, INT64_MIN, -2), (std::vector<float>{4, 2, 0}));
  EXPECT_EQ(slice(20, 0, -1), (std::vector<float>{4, 3, 2, 1}));
  EXPECT_EQ(slice(3, 1, 1), std::vector<float>());
  EXPECT_EQ(slice(0, 5, INT64_MAX), std::vector<float>{0});
  EXPECT_EQ(slice(4, -6, INT64_MIN), std::vector<float>{4});
}

TEST(OnnxSplit, SplitsByAttributeInputAndCount) {
  EXPECT_EQ(Case(11, "Split", {attribute("split", list({1, 4}))}, {}, {"a", "b"}).graph({5}).shape(1), "4");
  EXPECT_EQ(Case(13, "Split", {}, {intTensor("s", {2}, {2, 3})}, {"a", "b"}).graph({5}).shape(1), "3");
  EXPECT_EQ(Case(18, "Split", {attribute("num_outputs", int64_t(2))}, {}, {"a", "b"}).graph({5}).shape(1),
            "2");
  EXPECT_TRUE(
      has(Case(13, "Split", {}, {intTensor("s", {2}, {2, 9})}, {"a", "b"}).graph({5}).error(), "do not fit"));
}

TEST(OnnxPad, TakesPadsInThreeWays) {
  EXPECT_EQ(Case(2, "Pad", {attribute("pads", list({1, 0})), attribute("value", 7.0f)}, {}).run({2}).floats(),
            (std::vector<float>{7, 0, 1}));
  EXPECT_EQ(Case(11, "Pad", {}, {intTensor("p", {2}, {0, 1}), floatTensor("v", {}, {9})}).run({2}).floats(),
            (std::vector<float>{0, 1, 9}));
  EXPECT_EQ(Case(18, "Pad", {}, {intTensor("p", {2}, {0, 1}), absent(), intTensor("a", {1}, {-1})})
                .graph({2, 2})
                .shape(),
            "2x3");
}

TEST(OnnxClip, TakesLimitsInTwoWays) {
  EXPECT_EQ(Case(6, "Clip", {attribute("min", 1.0f), attribute("max", 2.0f)}, {}).run({4}).floats(),
            (std::vector<float>{1, 1, 2, 2}));
  EXPECT_EQ(Case(11, "Clip", {}, {absent(), floatTensor("h", {}, {2})}).run({4}).floats(),
            (std::vector<float>{0, 1, 2, 2}));
  EXPECT_EQ(Case(12, "Clip", {}, {floatTensor("l", {}, {3}), floatTensor("h", {}, {1})}).run({4}).floats(),
            (std::vector<float>{1, 1, 1, 1}))
      << "max wins when the limits cross";
}

TEST(OnnxReduce, TakesAxesInTwoWays) {
  EXPECT_EQ(Case(11, "ReduceSum", {attribute("axes", list({-1})), attribute("keepdims", int64_t(0))}, {})
                .run({2, 2})
                .floats(),
            (std::vector<float>{1, 5}));
  EXPECT_EQ(Case(13, "ReduceSum", {}, {intTensor("a", {1}, {0})}).run({2, 2}).floats(),
            (std::vector<float>{2, 4}));
  EXPECT_EQ(Case(13, "ReduceSum", {attribute("noop_with_empty_axes", int64_t(1))}, {}).run({2}).floats(),
            (std::vector<float>{0, 1}));
  EXPECT_EQ(Case(18, "ReduceMax", {}, {intTensor("a", {1}, {1})}).graph({2, 3}).shape(), "2x1");
  EXPECT_TRUE(
      has(Case(13, "ReduceMean", {attribute("axes", list({0, -2}))}, {}).graph({2, 2}).error(), "twice"));
  EXPECT_TRUE(
      has(Case(13, "ReduceMean", {attribute("axes", list({5}))}, {}).graph({2, 2}).error(), "axis 5"));
}

TEST(OnnxTopK, TakesKInTwoWays) {
  EXPECT_EQ(Case(9, "TopK", {attribute("k", int64_t(2))}, {}, {"v", "i"}).run({3}, {1, 9, 5}).floats(),
            (std::vector<float>{9, 5}));
  EXPECT_EQ(Case(11, "TopK", {attribute("largest", int64_t(0))}, {intTensor("k", {1}, {1})}, {"v", "i"})
                .run({3}, {4, 9, 5})
                .floats(),
            std::vector<float>{4});
}

TEST(OnnxResize, KnowsItsVersions) {
  TensorProto twice = floatTensor("s", {4}, {1, 1, 2, 2});
  EXPECT_EQ(Case(7, "Upsample", {attribute("scales", std::vector<float>{1, 1, 2, 2})}, {})
                .graph({1, 1, 2, 2})
                .shape(),
            "1x1x4x4");
  EXPECT_EQ(Case(9, "Upsample", {}, {twice}).graph({1, 1, 2, 2}).shape(), "1x1x4x4");
  EXPECT_EQ(Case(10, "Resize", {}, {twice}).run({1, 1, 1, 2}).floats(),
            (std::vector<float>{0, 0, 1, 1, 0, 0, 1, 1}));
  EXPECT_EQ(Case(11, "Resize", {}, {floatTensor("r", {0}, {}), twice}).graph({1, 1, 2, 3}).shape(),
            "1x1x4x6");
  EXPECT_EQ(Case(13, "Resize", {}, {absent(), absent(), intTensor("z", {4}, {1, 1, 3, 5})})
                .graph({1, 1, 2, 3})
                .shape(),
            "1x1x3x5");
  Attributes hw = {attribute("axes", list({2, 3})), attribute("keep_aspect_ratio_policy", "not_larger")};
  EXPECT_EQ(
      Case(18, "Resize", hw, {absent(), absent(), intTensor("z", {2}, {8, 30})}).graph({1, 1, 2, 3}).shape(),
      "1x1x8x12");
  EXPECT_TRUE(
      has(Case(11, "Resize", {}, {absent()}).graph({1, 1, 2, 2}).error(), "neither scales nor sizes"));
}

TEST(OnnxResize, ShiftsTheRoundingOfTfHalfPixel) {
  Attributes attributes = {attribute("coordinate_transformation_mode", "tf_half_pixel_for_nn"),
                           attribute("nearest_mode", "floor")};
  // Samples at floor((i + 0.5) * 4 / 2).
  EXPECT_EQ(Case(11, "Resize", attributes, {absent(), absent(), intTensor("z", {1}, {2})}).run({4}).floats(),
            (std::vector<float>{1, 3}));
}

TEST(OnnxNormalization, GroupNormGrewAScalePerChannel) {
  Attributes groups = {attribute("num_groups", int64_t(2))};
  TensorProto s2 = floatTensor("s", {2}, {1, 1}), b2 = floatTensor("b", {2}, {0, 1});
  Imported old = Case(18, "GroupNormalization", groups, {s2, b2}).run({1, 4, 1}, {1, 1, 1, 1});
  ASSERT_TRUE(old.ok()) << old.error();
  EXPECT_EQ(old.floats(), (std::vector<float>{0, 0, 1, 1}));
  TensorProto s4 = floatTensor("s", {4}, {1, 1, 1, 1}), b4 = floatTensor("b", {4}, {0, 1, 2, 3});
  EXPECT_EQ(Case(21, "GroupNormalization", groups, {s4, b4}).run({1, 4, 1}, {1, 1, 1, 1}).floats(),
            (std::vector<float>{0, 1, 2, 3}));
}

TEST(OnnxNormalization, RefusesTrainingMode) {
  std::vector<TensorProto> p;
  for (const char* name : {"s", "b", "m", "v"}) p.push_back(floatTensor(name, {2}, {1, 1}));
  EXPECT_TRUE(
      has(Case(14, "BatchNormalization", {attribute("training_mode", int64_t(1))}, p).graph({1, 2}).error(),
          "training mode"));
  EXPECT_TRUE(Case(14, "BatchNormalization", {}, p).graph({1, 2}).ok());
}

TEST(OnnxGemm, PutsAlphaIntoWeightsAndABroadcastBiasIntoTheProduct) {
  TensorProto w = floatTensor("w", {3, 2}, counting(6));
  Imported m = Case(13, "Gemm", {attribute("alpha", 2.0f), attribute("transB", int64_t(1))},
                    {floatTensor("w", {2, 3}, counting(6)), floatTensor("c", {}, {5})})
                   .graph({4, 3});
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.ops(), std::vector<std::string>{"matmul"});
  EXPECT_EQ(nn::constantFloats(m.find("matmul")->getOperand(2)), (std::vector<float>{5, 5}));
  EXPECT_EQ(nn::constantFloats(m.find("matmul")->getOperand(1))[1], 2.0f);
  Imported full = Case(13, "Gemm", {}, {w, floatTensor("c", {4, 2}, counting(8))}).graph({4, 3});
  EXPECT_EQ(full.ops(), (std::vector<std::string>{"matmul", "binary"}));
}

TEST(OnnxEinsum, CoversDiagonalsSumsAndImplicitResults) {
  auto einsum = [](const char* equation, const std::vector<int64_t>& dims,
                   const std::vector<TensorProto>& others = {}) {
    return Case(12, "Einsum", {attribute("equation", equation)}, others).run(dims).floats();
  };
  EXPECT_EQ(einsum("ii->i", {2, 2}), (std::vector<float>{0, 3}));
  EXPECT_EQ(einsum("ii", {2, 2}), std::vector<float>{3});
  EXPECT_EQ(einsum("ij->j", {2, 2}), (std::vector<float>{2, 4}));
  EXPECT_EQ(einsum("...ij,...jk->...ik", {1, 1, 2}, {floatTensor("b", {2, 1}, {3, 4})}),
            std::vector<float>{4});
  EXPECT_EQ(einsum("i,j", {2}, {floatTensor("b", {2}, {1, 2})}), (std::vector<float>{0, 0, 1, 2}));
  EXPECT_TRUE(has(Case(12, "Einsum", {attribute("equation", "ij,jk->ik")}, {}).graph({2, 2}).error(),
                  "does not fit 1 inputs"));
}

TEST(OnnxQuantization, KeepsIntegerWeightsBehindDequantize) {
  Model m;
  TensorProto q;
  q.set_name("q"), q.set_data_type(TensorProto::INT8), q.add_dims(2);
  q.add_int32_data(3), q.add_int32_data(-4);
  m.input("x", {2}).constant(q).constant(floatTensor("s", {}, {0.5f}));
  m.node("DequantizeLinear", {"q", "s"}, {"w"}).node("Mul", {"x", "w"}, {"y"}).output("y");
  EXPECT_EQ(import(m).ops(), (std::vector<std::string>{"dequantize", "binary"}));
  ImportOptions options;
  options.keepQuantization = false;
  Imported folded = import(m, options);
  EXPECT_EQ(folded.ops(), std::vector<std::string>{"binary"});
  EXPECT_EQ(nn::constantFloats(folded.find("binary")->getOperand(1)), (std::vector<float>{1.5f, -2}));
}

TEST(OnnxQuantization, SplitsLongIntegerConvolutionsExactly) {
  // 300 products of 255 * 255 pass 2^24, where float arithmetic would round.
  Model m(10);
  TensorProto x, w;
  x.set_name("q"), x.set_data_type(TensorProto::UINT8), w.set_name("w"), w.set_data_type(TensorProto::UINT8);
  for (int64_t d : {1, 300, 1}) x.add_dims(d), w.add_dims(d);
  x.set_raw_data(std::string(300, '\xff')), w.set_raw_data(std::string(299, '\xff') + '\xfe');
  m.constant(x).constant(w).node("ConvInteger", {"q", "w"}, {"y"}).output("y");
  Imported imported = import(m);
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.ints(), std::vector<int64_t>{300 * 255 * 255 - 255});
}

TEST(OnnxRecurrent, PassesActivationsAndBatchFirstLayout) {
  Model m(14);
  m.input("x", {2, 5, 3})
      .constant(floatTensor("w", {1, 4, 3}, std::vector<float>(12, 0.1f)))
      .constant(floatTensor("r", {1, 4, 4}, std::vector<float>(16, 0.1f)));
  AttributeProto names;
  names.set_name("activations"), names.set_type(AttributeProto::STRINGS), names.add_strings("LeakyRelu");
  m.node("RNN", {"x", "w", "r"}, {"y", "h"},
         {attribute("layout", int64_t(1)), attribute("hidden_size", int64_t(4)), names,
          attribute("activation_alpha", std::vector<float>{0.5f})})
      .output("y")
      .output("h");
  Imported imported = import(m);
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.shape(0), "2x5x1x4");
  EXPECT_EQ(imported.shape(1), "2x1x4");
  EXPECT_EQ(imported.find("rnn")->getAttrOfType<mlir::StringAttr>("activations").getValue(),
            "LeakyRelu(0.5)");
}

TEST(OnnxDetection, GivesDataDependentResultsWithACount) {
  Model m(11);
  m.input("b", {1, 6, 4})
      .input("s", {1, 2, 6})
      .constant(intTensor("k", {1}, {3}))
      .constant(floatTensor("t", {1}, {0.5f}));
  m.node("NonMaxSuppression", {"b", "s", "k", "t"}, {"y"}).output("y");
  Imported imported = import(m);
  ASSERT_TRUE(imported.ok()) << imported.error();
  EXPECT_EQ(imported.shape(0), "6x3");
  EXPECT_EQ(imported.shape(1), "1");
  auto names = imported.outputOp()->getAttrOfType<mlir::ArrayAttr>("names");
  EXPECT_EQ(mlir::cast<mlir::StringAttr>(names[1]).getValue(), "y/count");
  Imported unique = Case(13, "Unique", {}, {}, {"y", "first", "inverse"}).graph({2, 3});
  ASSERT_TRUE(unique.ok()) << unique.error();
  EXPECT_EQ(unique.shape(0), "6");
  EXPECT_EQ(unique.shape(1), "1") << "the number of different values";
  EXPECT_EQ(unique.shape(4), "6") << "the value that each element is";
  Imported counted = Case(13, "NonZero", {}, {}).run({4}, {0, 5, 0, 7});
  EXPECT_EQ(counted.ints(), (std::vector<int64_t>{1, 3})) << "of constants: cut to size";
}

TEST(OnnxOperators, CountsInputs) {
  EXPECT_TRUE(has(Case(13, "MatMul", {}, {}).graph({2, 2}).error(), "input 1 is missing"));
  EXPECT_TRUE(has(Case(13, "Relu", {}, {floatTensor("b", {1}, {1})}).graph({2}).error(), "at most 1"));
}

TEST(OnnxOperators, ListsThemAll) {
  const auto& rows = onnx::operators().rows();
  EXPECT_GT(rows.size(), 190u);
  for (const char* name : {"Conv", "LSTM", "com.microsoft:QLinearAdd"})
    EXPECT_TRUE(rows.contains(name)) << name;
}
