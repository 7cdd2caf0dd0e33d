// Recurrent layers, detection and quantization, against the definitions written out.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/test_program.h"

#include <cmath>

using namespace burin;
using namespace burin::paddle::test;

namespace {
using L = std::vector<int>;
double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(
    new burin::test::EveryOperatorIsTested([] { return paddle::operators().supported(); }));

Slots rnnSlots(const std::vector<double>& x, int gates, const std::vector<double>& w,
               const std::vector<double>& r, const std::vector<double>& bias, bool hasCell) {
  Tensor h0{{1, 1, 1}, {0.5}}, zeros{{gates}, std::vector<double>(static_cast<size_t>(gates), 0)};
  Slots slots = {{"Input", {{{static_cast<int64_t>(x.size()), 1, 1}, x}}},
                 {"PreState", {h0}},
                 {"WeightList", {{{gates, 1}, w}, {{gates, 1}, r}, {{gates}, bias}, zeros}}};
  if (hasCell) slots[1].second.push_back({{1, 1, 1}, {0.25}});
  return slots;
}
} // namespace

TEST(PaddleRecurrent, LstmGatesInputForgetCellOutput) {
  std::vector<double> w = {1, 2, 3, 4}, r = {0.1, 0.2, 0.3, 0.4}, b = {0.5, -0.5, 0.25, -0.25};
  double h = 0.5, c = 0.25, x = 0.3;
  double i = sigmoid(w[0] * x + r[0] * h + b[0]), f = sigmoid(w[1] * x + r[1] * h + b[1]);
  double g = std::tanh(w[2] * x + r[2] * h + b[2]), o = sigmoid(w[3] * x + r[3] * h + b[3]);
  c = f * c + i * g, h = o * std::tanh(c);
  auto got =
      run("rnn", rnnSlots({x}, 4, w, r, b, true),
          {{"mode", std::string("LSTM")}, {"hidden_size", 1}, {"num_layers", 1}}, {"Out", "State", "State"});
  expectValues(got, "[1,1,1]", {h});
  expectValues(got, "[1,1,1]", {h}, 1);
  expectValues(got, "[1,1,1]", {c}, 2);
}

TEST(PaddleRecurrent, GruResetsBehindTheProductAndPlainRnn) {
  std::vector<double> w = {1, 2, 3}, r = {0.1, 0.2, 0.3}, b = {0.5, -0.5, 0.25};
  double h = 0.5, x = 0.3;
  double reset = sigmoid(w[0] * x + r[0] * h + b[0]), update = sigmoid(w[1] * x + r[1] * h + b[1]);
  double candidate = std::tanh(w[2] * x + b[2] + reset * (r[2] * h));
  expectValues(run("rnn", rnnSlots({x}, 3, w, r, b, false),
                   {{"mode", std::string("GRU")}, {"hidden_size", 1}, {"num_layers", 1}}, {"Out"}),
               "[1,1,1]", {update * h + (1 - update) * candidate});
  expectValues(run("rnn", rnnSlots({x}, 1, {2}, {4}, {-1}, false),
                   {{"mode", std::string("RNN_TANH")}, {"hidden_size", 1}, {"num_layers", 1}}, {"Out"}),
               "[1,1,1]", {std::tanh(2 * x + 2 - 1)});
  expectValues(run("rnn", rnnSlots({x}, 1, {2}, {4}, {-9}, false),
                   {{"mode", std::string("RNN_RELU")}, {"hidden_size", 1}, {"num_layers", 1}}, {"Out"}),
               "[1,1,1]", {0});
}

TEST(PaddleRecurrent, LayersAndDirectionsFollowEachOther) {
  // Two layers, both directions, identity-like weights: y = relu(sum of what comes in + bias).
  Tensor one{{1, 1}, {1}}, two{{1, 2}, {1, 1}}, zero{{1, 1}, {0}}, none{{1}, {0}}, ten{{1}, {10}};
  std::vector<Tensor> weights = {one,  zero, one, zero, two,  zero, two,  zero,
                                 none, none, ten, none, none, none, none, none};
  auto got =
      run("rnn", {{"Input", {{{2, 1, 1}, {1, 2}}}}, {"WeightList", weights}},
          {{"mode", std::string("RNN_RELU")}, {"hidden_size", 1}, {"num_layers", 2}, {"is_bidirec", true}},
          {"Out", "State"});
  expectValues(got, "[2,1,2]", {12, 12, 14, 14});
  expectValues(got, "[4,1,1]", {2, 11, 14, 12}, 1); // the backward ones end at the first step
}

TEST(PaddleRecurrent, OldLstmWithPeepholes) {
  // Gates cell, input, forget, output; peepholes input, forget, output behind the bias.
  std::vector<double> x = {0.1, 0.2, 0.3, 0.4}, r = {0.5, 0.6, 0.7, 0.8},
                      b = {0.01, 0.02, 0.03, 0.04, 0.1, 0.2, 0.3};
  double h = 0.5, c = 0.25;
  double candidate = std::tanh(x[0] + r[0] * h + b[0]), i = sigmoid(x[1] + r[1] * h + b[1] + b[4] * c);
  double f = sigmoid(x[2] + r[2] * h + b[2] + b[5] * c);
  c = f * c + i * candidate;
  double o = sigmoid(x[3] + r[3] * h + b[3] + b[6] * c);
  Slots slots = {{"Input", {{{1, 4}, x}}},
                 {"Weight", {{{1, 4}, r}}},
                 {"Bias", {{{1, 7}, b}}},
                 {"H0", {{{1, 1}, {0.5}}}},
                 {"C0", {{{1, 1}, {0.25}}}}};
  expectValues(run("lstm", slots, {{"use_peepholes", true}}, {"Hidden"}), "[1,1]", {o * std::tanh(c)});
}

TEST(PaddleRecurrent, OldGruCountsTheUpdateTheOtherWay) {
  // Two hidden values, so that the split of the weights shows: [2, 4] for update and reset, then [2, 2].
  std::vector<double> x = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6}, h = {0.5, -0.5};
  std::vector<double> weights = {1, 2, 3, 4, 5, 6, 7, 8, 0.1, 0.2, 0.3, 0.4};
  double u[2], s[2], candidate[2];
  for (size_t j = 0; j < 2; ++j) {
    u[j] = sigmoid(x[j] + h[0] * weights[j] + h[1] * weights[4 + j]);
    s[j] = sigmoid(x[2 + j] + h[0] * weights[2 + j] + h[1] * weights[6 + j]);
  }
  for (size_t j = 0; j < 2; ++j)
    candidate[j] = std::tanh(x[4 + j] + s[0] * h[0] * weights[8 + j] + s[1] * h[1] * weights[10 + j]);
  Slots slots = {{"Input", {{{1, 6}, x}}}, {"Weight", {{{2, 6}, weights}}}, {"H0", {{{1, 2}, h}}}};
  for (bool origin : {false, true}) {
    std::vector<double> expected;
    for (size_t j = 0; j < 2; ++j)
      expected.push_back(origin ? u[j] * h[j] + (1 - u[j]) * candidate[j]
                                : (1 - u[j]) * h[j] + u[j] * candidate[j]);
    expectValues(run("gru", slots, {{"origin_mode", origin}}, {"Hidden"}), "[1,2]", expected);
  }
}

TEST(PaddleDetection, PriorBoxes) {
  Slots slots = {{"Input", {counting({1, 1, 1, 1})}}, {"Image", {counting({1, 1, 10, 20})}}};
  Attributes attributes = {{"min_sizes", std::vector{4.0f}},
                           {"max_sizes", std::vector{9.0f}},
                           {"aspect_ratios", std::vector{4.0f}},
                           {"variances", std::vector{0.1f, 0.1f, 0.2f, 0.2f}}};
  // Centre (10, 5): ratio 1 (4 x 4), ratio 4 (8 x 2), then sqrt(36) = 6 squared.
  std::vector<double> square = {0.4, 0.3, 0.6, 0.7}, wide = {0.3, 0.4, 0.7, 0.6},
                      big = {0.35, 0.2, 0.65, 0.8};
  auto joined = [](std::initializer_list<std::vector<double>> parts) {
    std::vector<double> all;
    for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  auto got = run("prior_box", slots, attributes, {"Boxes", "Variances"});
  expectValues(got, "[1,1,3,4]", joined({square, wide, big}));
  std::vector<double> v = {0.1, 0.1, 0.2, 0.2};
  expectValues(got, "[1,1,3,4]", joined({v, v, v}), 1);
  attributes["min_max_aspect_ratios_order"] = true;
  expectValues(run("prior_box", slots, attributes, {"Boxes"}), "[1,1,3,4]", joined({square, big, wide}));
}

TEST(PaddleDetection, BoxCoderBothWays) {
  Tensor prior{{1, 4}, {0, 0, 2, 4}}, variance{{1, 4}, {0.1, 0.1, 0.2, 0.2}},
      code{{1, 1, 4}, {1, -1, 0, std::log(2.0) / 0.2}};
  // Centre (1, 2) + 0.1 * (2, -4) = (1.2, 1.6), size (2, 8).
  expectValues(run("box_coder", {{"PriorBox", {prior}}, {"PriorBoxVar", {variance}}, {"TargetBox", {code}}},
                   {{"code_type", std::string("decode_center_size")}}, {"OutputBox"}),
               "[1,1,4]", {0.2, -2.4, 2.2, 5.6});
  Tensor box{{1, 4}, {0.2, -2.4, 2.2, 5.6}};
  expectValues(run("box_coder", {{"PriorBox", {prior}}, {"PriorBoxVar", {variance}}, {"TargetBox", {box}}},
                   {{"code_type", std::string("encode_center_size")}}, {"OutputBox"}),
               "[1,1,4]", {1, -1, 0, std::log(2.0) / 0.2});
  Tensor pixels{{1, 4}, {0, 0, 1, 3}}, zero{{1, 1, 4}, {0, 0, 0, 0}};
  expectValues(run("box_coder", {{"PriorBox", {pixels}}, {"TargetBox", {zero}}},
                   {{"code_type", std::string("decode_center_size")}, {"box_normalized", false}},
                   {"OutputBox"}),
               "[1,1,4]", {0, 0, 1, 3});
}

TEST(PaddleDetection, YoloBoxes) {
  // One anchor (8 x 4), one class, a map of 1 x 2 of which the second place is too unlikely.
  Tensor x{{1, 6, 1, 2}, {0, 0, 0, 0, 0, 0, 0, 0, 0, -9, 0, 0}};
  Slots slots = {{"X", {x}}, {"ImgSize", {ints({1, 2}, {32, 64}, VarType::INT32)}}};
  Attributes attributes = {
      {"anchors", L{8, 4}}, {"class_num", 1}, {"conf_thresh", 0.1f}, {"downsample_ratio", 32}};
  auto got = run("yolo_box", slots, attributes, {"Boxes", "Scores"});
  expectValues(got, "[1,2,4]", {12, 14, 20, 18, 0, 0, 0, 0});
  expectValues(got, "[1,2,1]", {0.25, 0}, 1);
}

TEST(PaddleDetection, NmsRowsByClassThenScore) {
  Tensor boxes{{1, 3, 4}, {0, 0, 10, 10, 0, 0, 10, 9, 20, 20, 30, 30}};
  Tensor scores{{1, 3, 3}, {0.9, 0.9, 0.9, 0.3, 0.8, 0.05, 0.6, 0.1, 0.7}}; // class 0 is the background
  Attributes attributes = {{"background_label", 0},
                           {"score_threshold", 0.2f},
                           {"nms_top_k", 100},
                           {"nms_threshold", 0.5f},
                           {"keep_top_k", 5}};
  for (const char* type : {"multiclass_nms", "multiclass_nms2", "multiclass_nms3"}) {
    auto got =
        run(type, {{"BBoxes", {boxes}}, {"Scores", {scores}}}, attributes, {"Out", "Index", "NmsRoisNum"});
    std::vector<double> rows = {1, 0.8, 0, 0, 10, 9, 2, 0.7, 20, 20, 30, 30, 2, 0.6, 0, 0, 10, 10};
    rows.insert(rows.end(), 12, -1);
    expectValues(got, "[5,6]", rows);
    expectValues(got, "[1]", {3}, 2);
  }
  attributes["keep_top_k"] = 1, attributes["nms_top_k"] = 1;
  expectValues(run("multiclass_nms3", {{"BBoxes", {boxes}}, {"Scores", {scores}}}, attributes), "[1,6]",
               {1, 0.8, 0, 0, 10, 9});
}

TEST(PaddleQuantization, PairsAndFakes) {
  Tensor x{{2}, {0.5, -2}}, scale{{1}, {1.27}}, zero{{1}, {0}};
  expectValues(run("quantize_linear", {{"X", {x}}, {"Scale", {scale}}, {"ZeroPoint", {zero}}},
                   {{"bit_length", 8}}, {"Y"}),
               "[2]", {50, -128});
  expectValues(run("dequantize_linear", {{"X", {ints({2}, {50, -100}, VarType::INT8)}}, {"Scale", {scale}}},
                   {}, {"Y"}),
               "[2]", {0.5, -1});
  EXPECT_FALSE(run("quantize_linear", {{"X", {x}}, {"Scale", {scale}}}, {{"bit_length", 4}}, {"Y"}).ok());
  Tensor rows{{2, 2}, {1.27, 0.504, 12.7, 5.04}};
  expectValues(run("fake_channel_wise_quantize_dequantize_abs_max", {{"X", {rows}}}, {{"quant_axis", 0}},
                   {"Out", "OutScale"}),
               "[2,2]", {1.27, 0.5, 12.7, 5});
  auto perChannel =
      run("fake_channel_wise_quantize_abs_max", {{"X", {rows}}}, {{"quant_axis", 0}}, {"Out", "OutScale"});
  expectValues(perChannel, "[2,2]", {127, 50, 127, 50});
  expectValues(perChannel, "[2]", {1.27, 12.7}, 1);
  for (const char* type :
       {"fake_quantize_dequantize_moving_average_abs_max", "fake_quantize_dequantize_abs_max"})
    expectValues(run(type, {{"X", {{{2}, {1.27, 0.504}}}}, {"InScale", {scale}}}), "[2]", {1.27, 0.5});
  for (const char* type :
       {"fake_quantize_abs_max", "fake_quantize_range_abs_max", "fake_quantize_moving_average_abs_max"})
    expectValues(run(type, {{"X", {{{2}, {1.27, 0.504}}}}, {"InScale", {scale}}}), "[2]", {127, 50});
  expectValues(run("fake_dequantize_max_abs", {{"X", {x}}, {"Scale", {scale}}}, {{"max_range", 127.0f}}),
               "[2]", {0.005, -0.02});
  expectValues(run("fake_channel_wise_dequantize_max_abs", {{"X", {rows}}, {"Scales", {{{2}, {127, 254}}}}},
                   {{"quant_axis", 0}}),
               "[2,2]", {1.27, 0.504, 25.4, 10.08});
  expectValues(run("moving_average_abs_max_scale", {{"X", {x}}}), "[2]", {0.5, -2});
}

TEST(PaddleQuantization, IntegerWeightsStayBehindTheirScales) {
  Model model;
  model.feed("x", {1, 1, 2, 2})
      .parameter("w", ints({1, 1, 1, 1}, {100}, VarType::INT8))
      .parameter("s", {{1}, {1.27}});
  model.op("dequantize_linear", {{"X", {"w"}}, {"Scale", {"s"}}}, {{"Y", {"wf"}}}, {{"quant_axis", 0}});
  model.op("conv2d", {{"Input", {"x"}}, {"Filter", {"wf"}}}, {{"Output", {"y"}}}).fetch("y");
  auto got = model.import();
  ASSERT_TRUE(got.ok()) << got.error();
  EXPECT_EQ(got.ops(), (std::vector<std::string>{"dequantize", "conv"}));
}
