// Recurrent layers against their equations, and boxes against a suppression worked out by hand.
#include "lib/import/tflite/test_model.h"

#include <cmath>
#include <flatbuffers/flexbuffers.h>

using namespace burin;
using namespace burin::tflite::test;
namespace tfl = burin::tfl;

namespace {
const Tensor kFloat = floats();
const Tensor kState = floats({1, 1}).variable();

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

// One unit, one feature: weights and biases of the gates input, forget, cell, output.
struct Cell {
  float w[4] = {0.5f, -0.25f, 1.5f, 0.75f}, r[4] = {0.3f, 0.2f, -0.6f, 0.1f}, b[4] = {0.1f, 1, 0.2f, -0.1f};
  float peephole[3] = {0, 0, 0}, clip = 0, h = 0, c = 0;
  bool coupled = false;

  float step(float x) {
    auto z = [&](int gate) { return w[gate] * x + r[gate] * h + b[gate]; };
    float f = sigmoid(z(1) + peephole[1] * c), i = coupled ? 1 - f : sigmoid(z(0) + peephole[0] * c);
    c = f * c + i * std::tanh(z(2));
    if (clip > 0) c = std::min(std::max(c, -clip), clip);
    h = sigmoid(z(3) + peephole[2] * c) * std::tanh(c);
    return h;
  }
  std::vector<float> run(const std::vector<float>& xs) {
    std::vector<float> ys;
    for (float x : xs) ys.push_back(step(x));
    return ys;
  }
};

// The tensors of the layer; left out ones have no shape and become -1.
struct LstmFile {
  File file;
  std::vector<int32_t> in = std::vector<int32_t>(24, -1);
  int32_t y;

  LstmFile(const Cell& cell, const std::vector<float>& xs, const tfl::SequenceLstmOptionsT& o,
           bool normalised = false) {
    const int32_t steps = static_cast<int32_t>(xs.size());
    in[0] = file.add(f32(o.time_major ? Shape{steps, 1, 1} : Shape{1, steps, 1}, xs));
    for (int gate = cell.coupled ? 1 : 0; gate < 4; ++gate) {
      in[1 + static_cast<size_t>(gate)] = file.add(f32({1, 1}, {cell.w[gate]}));
      in[5 + static_cast<size_t>(gate)] = file.add(f32({1, 1}, {cell.r[gate]}));
      in[12 + static_cast<size_t>(gate)] = file.add(f32({1}, {cell.b[gate]}));
      if (normalised) in[20 + static_cast<size_t>(gate)] = file.add(f32({1}, {1}));
    }
    if (cell.peephole[1] != 0)
      for (int i = cell.coupled ? 1 : 0; i < 3; ++i)
        in[9 + static_cast<size_t>(i)] = file.add(f32({1}, {cell.peephole[i]}));
    in[18] = file.add(Tensor(kState).named("h"));
    in[19] = file.add(Tensor(kState).named("c"));
    y = file.add(kFloat);
    file.op(44, in, {y}, o);
    file.graph().outputs = {y};
  }
  Imported run(const std::vector<std::string>& outputs = {}) const {
    ImportOptions options = folding();
    options.outputs = outputs;
    return importBytes(file.bytes(), options);
  }
};

const std::vector<float> kSequence = {1, -2, 0.5f, 3};
} // namespace

TEST(TfliteRecurrent, Lstm) {
  tfl::SequenceLstmOptionsT o;
  o.activation = tfl::Activation::TANH;
  for (bool timeMajor : {false, true}) {
    o.time_major = timeMajor;
    LstmFile layer(Cell(), kSequence, o);
    expectNear(layer.run(), Cell().run(kSequence));
  }
  Cell cell;
  cell.peephole[0] = 0.4f, cell.peephole[1] = -0.3f, cell.peephole[2] = 0.2f;
  expectNear(LstmFile(cell, kSequence, o).run(), Cell(cell).run(kSequence));
  cell.coupled = true;
  expectNear(LstmFile(cell, kSequence, o).run(), Cell(cell).run(kSequence));
}

TEST(TfliteRecurrent, LstmWithClip) {
  Cell cell;
  cell.clip = 0.5f;
  tfl::SequenceLstmOptionsT o;
  o.activation = tfl::Activation::TANH, o.cell_clip = cell.clip;
  expectNear(LstmFile(cell, kSequence, o).run(), Cell(cell).run(kSequence));
  cell.coupled = true;
  expectNear(LstmFile(cell, kSequence, o).run(), Cell(cell).run(kSequence));
  // Four steps from zero cannot reach a clip of ten: the layer stays one op.
  o.cell_clip = 10;
  LstmFile layer(Cell(), kSequence, o);
  layer.file.graph().tensors[0]->buffer = 0;
  layer.file.graph().inputs = {0};
  auto m = importBytes(layer.file.bytes());
  ASSERT_TRUE(m.ok()) << m.error();
  ASSERT_NE(m.find("lstm"), nullptr);
  EXPECT_FALSE(m.find("lstm")->hasAttr("cell_clip"));
}

TEST(TfliteRecurrent, IntegersOfLstmStayOnePerGate) {
  tfl::SequenceLstmOptionsT o;
  o.activation = tfl::Activation::TANH, o.cell_clip = 0.5f;
  File file;
  std::vector<int32_t> in(24, -1);
  in[0] = file.add(of(tfl::TensorType::INT8, {1, 3, 1}).scaled({0.5f}, {7}));
  for (int8_t gate = 0; gate < 4; ++gate) {
    const float scale = 0.1f * static_cast<float>(gate + 1);
    const auto at = [&](int first) -> int32_t& {
      return in[static_cast<size_t>(first) + static_cast<size_t>(gate)];
    };
    at(1) = file.add(i8({1, 1}, {gate}).scaled({scale}, {0}));
    at(5) = file.add(i8({1, 1}, {gate}).scaled({2 * scale}, {0}));
    at(12) = file.add(i32({1}, {100 + gate}).scaled({scale / 2}, {0}));
  }
  in[18] = file.add(of(tfl::TensorType::INT8, {1, 1}).scaled({0.0078125f}, {3}).variable().named("h"));
  in[19] = file.add(of(tfl::TensorType::INT16, {1, 1}).scaled({0.00048828125f}, {0}).variable().named("c"));
  const int32_t y = file.add(of(tfl::TensorType::INT8).scaled({0.0078125f}, {3}));
  file.op(44, in, {y}, o);
  file.graph().inputs = {in[0]}, file.graph().outputs = {y};
  auto m = importBytes(file.bytes());
  ASSERT_TRUE(m.ok()) << m.error();
  mlir::Operation* lstm = m.find("lstm");
  ASSERT_NE(lstm, nullptr);
  EXPECT_EQ(lstm->getAttrOfType<mlir::FloatAttr>("cell_clip").getValueAsDouble(), 0.5);
  // Input, output, forget, cell; the biases of the hidden state are zeros.
  mlir::Operation *w = lstm->getOperand(1).getDefiningOp(), *bias = lstm->getOperand(3).getDefiningOp();
  ASSERT_EQ(w->getName().getStringRef(), "nn.dequantize");
  EXPECT_EQ(nn::constantBytes(w->getOperand(0)), llvm::ArrayRef<char>({0, 3, 1, 2}));
  EXPECT_EQ(nn::constantFloats(w->getOperand(1)), std::vector<float>({0.1f, 0.4f, 0.2f, 0.3f}));
  ASSERT_EQ(bias->getName().getStringRef(), "nn.dequantize");
  EXPECT_EQ(nn::constantInts(bias->getOperand(0)), std::vector<int64_t>({100, 103, 101, 102, 0, 0, 0, 0}));
  // The state begins at the number zero.
  EXPECT_EQ(
      nn::constantBytes(lstm->getOperand(5).getDefiningOp()->getOperand(0).getDefiningOp()->getOperand(0)),
      llvm::ArrayRef<char>({3}));
}

TEST(TfliteRecurrent, LstmWithNormalisedGates) {
  tfl::SequenceLstmOptionsT o;
  o.activation = tfl::Activation::TANH;
  // Over a single unit the normalised argument is 0, so only the biases are left.
  Cell cell;
  for (int gate = 0; gate < 4; ++gate) cell.w[gate] = cell.r[gate] = 0;
  expectNear(LstmFile(Cell(), kSequence, o, true).run(), cell.run(kSequence));
}

TEST(TfliteRecurrent, StatesAreTensorsOfTheirOwn) {
  tfl::SequenceLstmOptionsT o;
  o.activation = tfl::Activation::TANH;
  Cell cell;
  std::vector<float> ys = cell.run(kSequence);
  auto m = LstmFile(Cell(), kSequence, o).run({"h/next", "c/next"});
  expectNear(m, {cell.h});
  expectNear(m, {cell.c}, 1e-5f, 1);
}

TEST(TfliteRecurrent, LstmOfOneStep) {
  tfl::LstmOptionsT o;
  o.kernel = tfl::LstmKernel::BASIC, o.activation = tfl::Activation::TANH;
  // Gates stacked as input, cell, forget, output over [input, activation].
  Cell cell;
  cell.h = 0.25f, cell.c = -0.5f;
  std::vector<float> w, b;
  for (int gate : {0, 2, 1, 3}) w.insert(w.end(), {cell.w[gate], cell.r[gate]}), b.push_back(cell.b[gate]);
  auto m = evaluate(
      16, {f32({1, 1}, {2}), f32({1, 1}, {cell.h}), f32({4, 2}, w), f32({4}, b), f32({1, 1}, {cell.c})},
      {kFloat, kFloat, kFloat, kFloat}, o);
  const float x = 2, h = cell.step(x);
  expectNear(m, {h});
  expectNear(m, {cell.c}, 1e-5f, 1);
  expectNear(m, {x, 0.25f}, 0, 2);
}

TEST(TfliteRecurrent, Rnn) {
  tfl::SequenceRnnOptionsT o;
  o.activation = tfl::Activation::TANH;
  float h = 0;
  std::vector<float> expected;
  for (float x : kSequence) expected.push_back(h = std::tanh(0.5f * x - 0.7f * h + 0.1f));
  std::vector<Tensor> rest = {f32({1, 1}, {0.5f}), f32({1, 1}, {-0.7f}), f32({1}, {0.1f}), kState};
  std::vector<Tensor> all = {f32({1, 4, 1}, kSequence)};
  all.insert(all.end(), rest.begin(), rest.end());
  expectNear(evaluate(35, all, {kFloat}, o), expected);
  tfl::RnnOptionsT one;
  one.activation = tfl::Activation::RELU;
  all[0] = f32({1, 1}, {2});
  expectNear(evaluate(24, all, {kFloat}, one), {1.1f});
}

TEST(TfliteRecurrent, Svdf) {
  tfl::SvdfOptionsT o;
  o.rank = 2;
  // One unit of two filters with a memory of two; the state holds the features of earlier steps.
  std::vector<Tensor> in = {f32({1, 1}, {3}), f32({2, 1}, {1, 10}), f32({2, 2}, {1, 2, 3, 4}),
                            f32({1}, {0.5f}), f32({1, 4}, {7, 8, 9, 11})};
  expectNear(evaluate(27, in, {kFloat}, o), {8 * 1 + 3 * 2 + 11 * 3 + 30 * 4 + 0.5f});
}

namespace {
std::vector<uint8_t> postProcessOptions(bool eachClass) {
  flexbuffers::Builder builder;
  builder.Map([&] {
    builder.Int("max_detections", 3), builder.Int("max_classes_per_detection", 1),
        builder.Int("num_classes", 2);
    builder.Int("detections_per_class", 2), builder.Bool("use_regular_nms", eachClass);
    builder.Float("nms_score_threshold", 0.3f), builder.Float("nms_iou_threshold", 0.5f);
    builder.Float("y_scale", 10), builder.Float("x_scale", 10), builder.Float("h_scale", 5),
        builder.Float("w_scale", 5);
  });
  builder.Finish();
  return builder.GetBuffer();
}

// Three anchors of size 2 at 1, 1.2 and 5 on both axes; the first column of the scores is background.
Imported postProcess(bool eachClass, const std::vector<uint8_t>& options) {
  File file;
  std::vector<int32_t> in = {file.add(f32({1, 3, 4}, {0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0})),
                             file.add(f32({1, 3, 3}, {0, 0.9f, 0.4f, 0, 0.8f, 0.6f, 0, 0.1f, 0.3f})),
                             file.add(f32({3, 4}, {1, 1, 2, 2, 1.2f, 1.2f, 2, 2, 5, 5, 2, 2}))};
  std::vector<int32_t> out;
  for (int i = 0; i < 4; ++i) out.push_back(file.add(kFloat));
  file.custom("TFLite_Detection_PostProcess", options, in, out);
  file.graph().outputs = out;
  return importBytes(file.bytes(), folding());
}
} // namespace

TEST(TfliteDetection, BoxesOfTheirBestClass) {
  auto m = postProcess(false, postProcessOptions(false));
  // The second box overlaps the first; the third moved by 5 / 10 of its height.
  expectNear(m, {0, 0, 2, 2, 5, 4, 7, 6, 0, 0, 0, 0});
  expectNear(m, {0, 1, 0}, 0, 1);
  expectNear(m, {0.9f, 0.3f, 0}, 0, 2);
  expectNear(m, {2}, 0, 3);
}

TEST(TfliteDetection, BoxesOfEachClass) {
  auto m = postProcess(true, postProcessOptions(true));
  expectNear(m, {0, 0, 2, 2, 0.2f, 0.2f, 2.2f, 2.2f, 5, 4, 7, 6});
  expectNear(m, {0, 1, 1}, 0, 1);
  expectNear(m, {0.9f, 0.6f, 0.3f}, 0, 2);
  expectNear(m, {3}, 0, 3);
}

TEST(TfliteDetection, DamagedOptions) {
  EXPECT_TRUE(has(postProcess(false, {}).error(), "options"));
  std::vector<uint8_t> bytes = postProcessOptions(false);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::vector<uint8_t> damaged = bytes;
    damaged[i] ^= 0x55;
    postProcess(false, damaged); // an error or other numbers, no crash
  }
}

TEST(TfliteDetection, Suppression) {
  std::vector<Tensor> in = {f32({3, 4}, {0, 0, 2, 2, 0.2f, 0.2f, 2.2f, 2.2f, 5, 5, 7, 7}),
                            f32({3}, {0.8f, 0.9f, 0.5f}), i32({}, {3}), f32({}, {0.5f}), f32({}, {0.1f})};
  Tensor integer = of(tfl::TensorType::INT32);
  auto m = evaluate(120, in, {integer, integer});
  expectInts(m, {1, 2, 0});
  expectInts(m, {2}, 1);
  in.push_back(f32({}, {0}));
  auto m2 = evaluate(121, in, {integer, kFloat, integer});
  expectNear(m2, {0.9f, 0.5f, 0}, 0, 1);
  expectInts(m2, {2}, 2);
}
