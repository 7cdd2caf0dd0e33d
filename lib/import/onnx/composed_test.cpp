// Operators written with several ops, against values worked by hand.
#include "lib/import/onnx/test_model.h"

#include <cmath>

using namespace burin;
using namespace burin::onnx::test;

namespace {
TensorProto bytes(const std::string& name, const std::vector<int64_t>& dims, const std::vector<int>& values,
                  TensorProto::DataType type = TensorProto::UINT8) {
  TensorProto t;
  t.set_name(name), t.set_data_type(type);
  for (int64_t d : dims) t.add_dims(d);
  for (int v : values) t.add_int32_data(v);
  return t;
}

// A node of com.microsoft over constants.
Imported microsoft(const std::string& type, const std::vector<TensorProto>& constants,
                   const Attributes& attributes = {}) {
  Model m;
  std::vector<std::string> names;
  for (const TensorProto& t : constants) {
    names.push_back(t.name());
    if (!t.name().empty()) m.constant(t);
  }
  m.node(type, names, {"y"}, attributes).output("y");
  m.proto.mutable_graph()->mutable_node(0)->set_domain("com.microsoft");
  ImportOptions options;
  options.keepQuantization = false;
  return import(m, options);
}
} // namespace

TEST(OnnxComposed, Col2ImSumsOverlappingBlocks) {
  // Two blocks of length 2 over an image of 3: [a b] and [c d] overlap in the middle.
  expectNear(Case(18, "Col2Im", {}, {intTensor("i", {1}, {3}), intTensor("b", {1}, {2})})
                 .run({1, 2, 2}, {1, 2, 3, 4}),
             {1, 5, 4});
}

TEST(OnnxComposed, AffineGridOfTheIdentityIsThePixelCentres) {
  TensorProto size = intTensor("s", {4}, {1, 1, 1, 2});
  expectNear(Case(20, "AffineGrid", {}, {size}).run({1, 2, 3}, {1, 0, 0, 0, 1, 0}), {-0.5f, 0, 0.5f, 0});
  expectNear(Case(20, "AffineGrid", {attribute("align_corners", int64_t(1))}, {size})
                 .run({1, 2, 3}, {1, 0, 0, 0, 1, 0}),
             {-1, 0, 1, 0});
}

TEST(OnnxComposed, AttentionWeighsValues) {
  // One query [0], keys any: all scores 0, the mean of the values; causal: the first value alone.
  TensorProto k = floatTensor("k", {1, 1, 2, 1}, {3, 4}), v = floatTensor("v", {1, 1, 2, 1}, {10, 20});
  expectNear(Case(23, "Attention", {}, {k, v}).run({1, 1, 1, 1}, {0}), {15});
  expectNear(Case(23, "Attention", {attribute("is_causal", int64_t(1))}, {k, v}).run({1, 1, 1, 1}, {0}),
             {10});
  // Scores ln 3 and 0 with scale 1: weights 3/4 and 1/4.
  TensorProto keys = floatTensor("k", {1, 1, 2, 1}, {1, 0});
  expectNear(Case(23, "Attention", {attribute("scale", 1.0f)}, {keys, v}).run({1, 1, 1, 1}, {std::log(3.0f)}),
             {12.5f});
}

TEST(OnnxComposed, RotaryEmbeddingTurnsPairs) {
  TensorProto cosine = floatTensor("c", {1, 1, 1}, {0}),
              sine = floatTensor("s", {1, 1, 1}, {1}); // a quarter turn
  expectNear(Case(23, "RotaryEmbedding", {}, {cosine, sine}).run({1, 1, 1, 2}, {3, 5}), {-5, 3});
  Attributes part = {attribute("rotary_embedding_dim", int64_t(2)), attribute("interleaved", int64_t(1))};
  expectNear(Case(23, "RotaryEmbedding", part, {cosine, sine}).run({1, 1, 1, 4}, {3, 5, 7, 9}),
             {-5, 3, 7, 9});
}

TEST(OnnxComposed, CenterCropPadPutsTheOddElementAtTheEnd) {
  expectNear(Case(18, "CenterCropPad", {}, {intTensor("s", {1}, {2})}).run({5}), {1, 2});
  expectNear(Case(18, "CenterCropPad", {}, {intTensor("s", {1}, {4})}).run({1}, {7}), {0, 7, 0, 0});
}

TEST(OnnxComposed, NormalizesByTheRootMeanSquare) {
  expectNear(Case(23, "RMSNormalization", {attribute("epsilon", 0.0f)}, {floatTensor("s", {2}, {1, 2})})
                 .run({1, 2}, {1, 7}),
             {0.2f, 2.8f});
  expectNear(Case(13, "LpNormalization", {attribute("p", int64_t(1))}, {}).run({1, 2}, {1, 3}),
             {0.25f, 0.75f});
}

TEST(OnnxComposed, DeterminantsUpToFour) {
  expectNear(Case(11, "Det", {}, {}).run({2, 2}, {1, 2, 3, 4}), {-2});
  expectNear(Case(11, "Det", {}, {}).run({4, 4}, {2, 0, 0, 1, 0, 3, 0, 0, 0, 0, 4, 0, 1, 0, 0, 5}), {108});
  EXPECT_FALSE(Case(11, "Det", {}, {}).graph({5, 5}).ok());
}

TEST(OnnxComposed, FourierTransformOfAnImpulseAndAConstant) {
  expectNear(Case(17, "DFT", {}, {}).run({1, 4, 1}, {1, 0, 0, 0}), {1, 0, 1, 0, 1, 0, 1, 0});
  expectNear(Case(17, "DFT", {attribute("onesided", int64_t(1))}, {}).run({1, 4, 1}, {1, 1, 1, 1}),
             {4, 0, 0, 0, 0, 0});
  expectNear(Case(20, "DFT", {attribute("inverse", int64_t(1))}, {}).run({1, 2, 2}, {2, 0, 0, 0}),
             {1, 0, 1, 0});
}

TEST(OnnxComposed, RangesOfIntegersAndFloats) {
  Model m(11);
  m.constant(intTensor("a", {}, {10})).constant(intTensor("b", {}, {4})).constant(intTensor("d", {}, {-3}));
  m.node("Range", {"a", "b", "d"}, {"y"}).output("y");
  EXPECT_EQ(import(m).ints(), (std::vector<int64_t>{10, 7}));
  Model huge(11);
  huge.constant(intTensor("a", {}, {0}))
      .constant(intTensor("b", {}, {INT64_MAX}))
      .constant(intTensor("d", {}, {1}));
  huge.node("Range", {"a", "b", "d"}, {"y"}).output("y");
  EXPECT_FALSE(import(huge).ok());
}

TEST(OnnxComposed, CountsOfNGrams) {
  // The pool: 1, 2, and (1 2), (3 1).
  auto count = [](const std::vector<int64_t>& row, Attributes more) {
    Attributes attributes = {attribute("pool_int64s", std::vector<int64_t>{1, 2, 1, 2, 3, 1}),
                             attribute("ngram_counts", std::vector<int64_t>{0, 2}),
                             attribute("ngram_indexes", std::vector<int64_t>{0, 2, 4, 3})};
    attributes.insert(attributes.end(), more.begin(), more.end());
    Model m(13);
    m.constant(intTensor("x", {static_cast<int64_t>(row.size())}, row));
    return import(m.node("TfIdfVectorizer", {"x"}, {"y"}, attributes, "node").output("y"));
  };
  const Attributes both = {attribute("min_gram_length", int64_t(1)), attribute("max_gram_length", int64_t(2)),
                           attribute("mode", "TF")};
  Imported plain = count({1, 2, 3, 1, 2}, both);
  ASSERT_TRUE(plain.ok()) << plain.error();
  EXPECT_EQ(plain.floats(), (std::vector<float>{2, 0, 2, 1, 2}));
  Attributes skipping = both;
  skipping.push_back(attribute("max_skip_count", int64_t(1))); // 1 . 3 and 2 . 1 and 3 . 2 besides
  EXPECT_EQ(count({3, 2, 1, 7, 2}, skipping).floats(), (std::vector<float>{1, 0, 2, 1, 1}));
  Attributes weighted = both;
  weighted[2] = attribute("mode", "TFIDF");
  weighted.push_back(attribute("weights", std::vector<float>{10, 20, 30, 40}));
  EXPECT_EQ(count({1, 2, 1}, weighted).floats(), (std::vector<float>{20, 0, 20, 0, 30}));
  weighted[2] = attribute("mode", "IDF");
  EXPECT_EQ(count({1, 2, 1}, weighted).floats(), (std::vector<float>{10, 0, 20, 0, 30}));
  EXPECT_EQ(count({9}, both).floats(), (std::vector<float>{0, 0, 0, 0, 0}));
  Attributes unknown = both;
  unknown[2] = attribute("mode", "X");
  EXPECT_TRUE(has(count({1}, unknown).error(), "'mode' is 'X'"));
}

TEST(OnnxComposed, UniqueInBothOrders) {
  EXPECT_EQ(Case(11, "Unique", {}, {}, {"y", "i", "v", "n"}).run({5}, {3, 1, 3, 2, 1}).floats(),
            (std::vector<float>{1, 2, 3}));
  Imported m = Case(11, "Unique", {attribute("sorted", int64_t(0))}, {}, {"y", "i", "v", "n"})
                   .run({5}, {3, 1, 3, 2, 1});
  EXPECT_EQ(m.floats(0), (std::vector<float>{3, 1, 2}));
  EXPECT_EQ(m.ints(1), (std::vector<int64_t>{0, 1, 3}));
  EXPECT_EQ(m.ints(2), (std::vector<int64_t>{0, 1, 0, 2, 1}));
  EXPECT_EQ(m.ints(3), (std::vector<int64_t>{2, 2, 1}));
}

TEST(OnnxComposed, UniqueWithADamagedAttributeIsAnError) {
  Imported m = Case(11, "Unique", {attribute("sorted", "yes")}, {}, {"y", "i", "v", "n"}).graph({3, 26});
  EXPECT_TRUE(has(m.error(), "'sorted' has the wrong type"));
}

TEST(OnnxComposed, LossIgnoresATarget) {
  TensorProto target = intTensor("t", {2}, {1, -1});
  Attributes ignore = {attribute("ignore_index", int64_t(-1))};
  expectNear(Case(13, "NegativeLogLikelihoodLoss", ignore, {target}).run({2, 2}, {-1, -2, -3, -4}), {2});
}

TEST(OnnxComposed, QuantizedAdditionRoundsHalfToEven) {
  // (6 - 2) * 0.5 + (9 - 1) * 0.25 = 4; 4 / 0.8 = 5, plus 3.
  Imported m =
      microsoft("QLinearAdd", {bytes("a", {1}, {6}), floatTensor("as", {}, {0.5f}), bytes("az", {}, {2}),
                               bytes("b", {1}, {9}), floatTensor("bs", {}, {0.25f}), bytes("bz", {}, {1}),
                               floatTensor("ys", {}, {0.8f}), bytes("yz", {}, {3})});
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.ints(), std::vector<int64_t>{8});
}

TEST(OnnxComposed, QuantizedGemmGivesFloatWithoutAnOutputScale) {
  TensorProto bias = bytes("c", {1}, {10}, TensorProto::INT32);
  // ((3 - 1) * 0.5) * (4 * 0.5) + 10 * 0.25
  expectNear(microsoft("QGemm",
                       {bytes("a", {1, 1}, {3}), floatTensor("as", {}, {0.5f}), bytes("az", {}, {1}),
                        bytes("b", {1, 1}, {4}), floatTensor("bs", {}, {0.5f}), bytes("bz", {}, {0}), bias}),
             {4.5f});
}

TEST(OnnxComposed, FusedOperatorsOfOnnxRuntime) {
  TensorProto x = floatTensor("x", {1, 1, 2}, {-1, 2}), w = floatTensor("w", {1, 1, 1}, {2}),
              b = floatTensor("b", {1}, {1});
  expectNear(microsoft("FusedConv", {x, w, b}, {attribute("activation", "Relu")}), {0, 5});
  TensorProto a = floatTensor("a", {1, 2}, {1, 2});
  expectNear(microsoft("FusedMatMul", {a, floatTensor("c", {1, 2}, {3, 4})},
                       {attribute("transB", int64_t(1)), attribute("alpha", 2.0f)}),
             {22});
  TensorProto row = floatTensor("r", {1, 2}, {0, 1}), skip = floatTensor("s", {1, 2}, {1, 2}),
              gamma = floatTensor("g", {2}, {1, 1});
  expectNear(microsoft("SkipLayerNormalization", {row, skip, gamma}), {-1, 1});
}
