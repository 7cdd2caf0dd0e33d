// Operators that move, pick and make data, recurrent layers and detection.
#include "lib/import/mxnet/test_symbol.h"

using namespace burin;
using namespace burin::mxnet::test;

namespace {
double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }
} // namespace

TEST(MxnetMovement, ReshapeCodes) {
  auto shapeOf = [](const std::vector<int64_t>& dims, const std::string& shape,
                    const std::string& reverse = "False") {
    auto got = run("Reshape", {counting(dims)}, {{"shape", shape}, {"reverse", reverse}});
    return got.ok() ? got.shapeList() : got.error();
  };
  EXPECT_EQ(shapeOf({2, 3, 4}, "(4, 0, 2)"), "[4,3,2]");
  EXPECT_EQ(shapeOf({2, 3, 4}, "(6, 1, -1)"), "[6,1,4]");
  EXPECT_EQ(shapeOf({2, 3, 4}, "(2, -2)"), "[2,3,4]");
  EXPECT_EQ(shapeOf({2, 3, 4}, "(-2, 1, 1)"), "[2,3,4,1,1]");
  EXPECT_EQ(shapeOf({2, 3, 4}, "(-3, 4)"), "[6,4]");
  EXPECT_EQ(shapeOf({2, 3, 4, 5}, "(-3, -3)"), "[6,20]");
  EXPECT_EQ(shapeOf({2, 3, 4}, "(0, -3)"), "[2,12]");
  EXPECT_EQ(shapeOf({2, 3, 4}, "(-4, 1, 2, -2)"), "[1,2,3,4]");
  EXPECT_EQ(shapeOf({2, 3, 4}, "(2, -4, -1, 3, -2)"), "[2,1,3,4]");
  EXPECT_EQ(shapeOf({10, 5, 4}, "(-1, 0)"), "[40,5]");
  EXPECT_EQ(shapeOf({10, 5, 4}, "(-1, 0)", "True"), "[50,4]");
  EXPECT_EQ(shapeOf({8, 3}, "(-4, 2, -1, 0)", "True"), "[2,4,3]");
  EXPECT_FALSE(run("Reshape", {counting({2, 3})}, {{"shape", "(-1, -1)"}}).ok());
  EXPECT_FALSE(run("Reshape", {counting({2, 3})}, {{"shape", "(5,)"}}).ok());
  EXPECT_FALSE(run("Reshape", {counting({2, 3})}, {{"shape", "(-4, 4, 5, 3)"}}).ok());
  EXPECT_EQ(run("Reshape", {counting({2, 3})}, {{"target_shape", "(3, 0)"}}).shapeList(), "[3,2]");
  EXPECT_EQ(run("reshape", {counting({2, 3})}, {{"shape", "[6]"}}).shapeList(), "[6]");
  EXPECT_EQ(run("reshape_like", {counting({2, 3}), counting({6, 1})}).shapeList(), "[6,1]");
}

TEST(MxnetMovement, AxesChange) {
  Tensor x = counting({1, 2, 3});
  std::vector<double> all = {0, 1, 2, 3, 4, 5};
  for (const char* type : {"Flatten", "flatten"}) expectValues(run(type, {x}), "[1,6]", all);
  expectValues(run("transpose", {x}, {{"axes", "(2, 0, 1)"}}), "[3,1,2]", {0, 3, 1, 4, 2, 5});
  expectValues(run("transpose", {x}), "[3,2,1]", {0, 3, 1, 4, 2, 5});
  for (const char* type : {"SwapAxis", "swapaxes"})
    expectValues(run(type, {x}, {{"dim1", "1"}, {"dim2", "2"}}), "[1,3,2]", {0, 3, 1, 4, 2, 5});
  expectValues(run("expand_dims", {x}, {{"axis", "-1"}}), "[1,2,3,1]", all);
  expectValues(run("squeeze", {x}), "[2,3]", all);
  expectValues(run("squeeze", {counting({1, 1, 2})}, {{"axis", "(0,)"}}), "[1,2]", {0, 1});
}

TEST(MxnetMovement, JoinPadRepeat) {
  Tensor a = counting({1, 2}), b{{1, 2}, {7, 8}};
  for (const char* type : {"Concat", "concat", "_rnn_param_concat"}) {
    expectValues(run(type, {a, b}, {{"num_args", "2"}}), "[1,4]", {0, 1, 7, 8});
    expectValues(run(type, {a, b}, {{"dim", "0"}}), "[2,2]", {0, 1, 7, 8});
  }
  expectValues(run("stack", {a, b}, {{"axis", "2"}}), "[1,2,2]", {0, 7, 1, 8});
  for (const char* type : {"Pad", "pad"})
    expectValues(run(type, {counting({1, 1, 1, 2})},
                     {{"mode", "constant"}, {"pad_width", "(0,0,0,0,1,0,0,1)"}, {"constant_value", "9"}}),
                 "[1,1,2,3]", {9, 9, 9, 0, 1, 9});
  expectValues(run("Pad", {counting({1, 1, 1, 2})}, {{"mode", "edge"}, {"pad_width", "(0,0,0,0,0,0,1,1)"}}),
               "[1,1,1,4]", {0, 0, 1, 1});
  expectValues(run("tile", {a}, {{"reps", "(2, 1)"}}), "[2,2]", {0, 1, 0, 1});
  expectValues(run("repeat", {a}, {{"repeats", "2"}, {"axis", "1"}}), "[1,4]", {0, 0, 1, 1});
  expectValues(run("repeat", {a}, {{"repeats", "2"}}), "[4]", {0, 0, 1, 1});
  expectValues(run("broadcast_to", {a}, {{"shape", "(2, 0)"}}), "[2,2]", {0, 1, 0, 1});
  expectValues(run("broadcast_like", {a, counting({2, 2})}), "[2,2]", {0, 1, 0, 1});
  expectValues(run("broadcast_like", {a, counting({3, 5})}, {{"lhs_axes", "(0,)"}, {"rhs_axes", "(0,)"}}),
               "[3,2]", {0, 1, 0, 1, 0, 1});
  for (const char* type : {"broadcast_axis", "broadcast_axes"})
    expectValues(run(type, {a}, {{"axis", "0"}, {"size", "2"}}), "[2,2]", {0, 1, 0, 1});
  for (const char* type : {"flip", "reverse"}) expectValues(run(type, {a}, {{"axis", "1"}}), "[1,2]", {1, 0});
  expectValues(run("depth_to_space", {counting({1, 4, 1, 1})}, {{"block_size", "2"}}), "[1,1,2,2]",
               {0, 1, 2, 3});
  expectValues(run("space_to_depth", {counting({1, 1, 2, 2})}, {{"block_size", "2"}}), "[1,4,1,1]",
               {0, 1, 2, 3});
}

TEST(MxnetSlice, BoundsMayBeLeftOut) {
  Tensor x = counting({2, 4});
  for (const char* type : {"slice", "crop"}) {
    expectValues(run(type, {x}, {{"begin", "(None, 1)"}, {"end", "(None, -1)"}}), "[2,2]", {1, 2, 5, 6});
    expectValues(run(type, {x}, {{"begin", "(0, None)"}, {"end", "(1, None)"}, {"step", "(1, -2)"}}), "[1,2]",
                 {3, 1});
  }
  EXPECT_FALSE(run("slice", {x}, {{"begin", "(0,)"}, {"end", "(1,)"}, {"step", "(0,)"}}).ok());
  expectValues(run("slice_axis", {x}, {{"axis", "1"}, {"begin", "2"}, {"end", "None"}}), "[2,2]",
               {2, 3, 6, 7});
  expectValues(run("slice_like", {x, counting({1, 2})}), "[1,2]", {0, 1});
  expectValues(run("slice_like", {x, counting({1, 2})}, {{"axes", "(1,)"}}), "[2,2]", {0, 1, 4, 5});
}

TEST(MxnetSlice, CropAndSplit) {
  Tensor x = counting({1, 1, 3, 3});
  expectValues(run("Crop", {x}, {{"h_w", "(2, 2)"}, {"offset", "(1, 0)"}, {"num_args", "1"}}), "[1,1,2,2]",
               {3, 4, 6, 7});
  expectValues(run("Crop", {x}, {{"h_w", "(1, 1)"}, {"center_crop", "True"}}), "[1,1,1,1]", {4});
  expectValues(run("Crop", {x, counting({1, 5, 1, 2})}, {{"num_args", "2"}}), "[1,1,1,2]", {0, 1});
  EXPECT_FALSE(run("Crop", {x}, {{"h_w", "(4, 4)"}}).ok());
  for (const char* type : {"SliceChannel", "split"}) {
    expectValues(run(type, {counting({1, 4})}, {{"num_outputs", "2"}}, 2), "[1,2]", {2, 3}, 1);
    expectValues(run(type, {counting({1, 2})}, {{"num_outputs", "2"}, {"squeeze_axis", "True"}}, 2), "[1]",
                 {1}, 1);
  }
  expectValues(run("_split_v2", {counting({5})}, {{"indices", "(0, 2)"}, {"axis", "0"}}, 2), "[3]", {2, 3, 4},
               1);
  expectValues(run("_split_v2", {counting({5})}, {{"sections", "2"}}, 2), "[3]", {0, 1, 2});
}

TEST(MxnetIndex, IndicesAreFloatsAndClip) {
  Tensor rows = counting({3, 2});
  expectValues(run("Embedding", {{{2}, {2, 9}}, rows}, {{"input_dim", "3"}, {"output_dim", "2"}}), "[2,2]",
               {4, 5, 4, 5});
  expectValues(run("take", {rows, {{2}, {-1, 1}}}), "[2,2]", {0, 1, 2, 3});
  expectValues(run("take", {rows, {{1}, {-1}}}, {{"axis", "1"}, {"mode", "wrap"}}), "[3,1]", {1, 3, 5});
  for (const char* type : {"pick", "choose_element_0index"})
    expectValues(run(type, {rows, {{3}, {1, 0, 1}}}), "[3]", {1, 2, 5});
  expectValues(run("gather_nd", {rows, {{2, 2}, {0, 2, 1, 0}}}), "[2]",
               {1, 4}); // rows of coordinates, first axis first
  expectValues(run("one_hot", {{{2}, {1, 0}}}, {{"depth", "2"}, {"on_value", "5"}}), "[2,2]", {0, 5, 5, 0});
  expectValues(run("SequenceMask", {counting({3, 2}), {{2}, {1, 2}}},
                   {{"use_sequence_length", "True"}, {"value", "-1"}}),
               "[3,2]", {0, 1, -1, 3, -1, -1});
}

TEST(MxnetConstant, FillsAndRanges) {
  expectValues(run("_zeros", {}, {{"shape", "(2,)"}}), "[2]", {0, 0});
  expectValues(run("_ones", {}, {{"shape", "(2,)"}, {"dtype", "int32"}}), "[2]", {1, 1});
  expectValues(run("_full", {}, {{"shape", "(1,)"}, {"value", "2.5"}}), "[1]", {2.5});
  expectValues(run("zeros_like", {counting({2})}), "[2]", {0, 0});
  expectValues(run("ones_like", {counting({2})}), "[2]", {1, 1});
  expectValues(run("_arange", {}, {{"start", "3"}, {"stop", "None"}}), "[3]", {0, 1, 2});
  expectValues(run("_arange", {}, {{"start", "1"}, {"stop", "2"}, {"step", "0.5"}, {"repeat", "2"}}), "[4]",
               {1, 1, 1.5, 1.5});
  EXPECT_FALSE(run("_arange", {}, {{"start", "0"}, {"stop", "1e30"}}).ok());
  EXPECT_FALSE(run("_zeros", {}, {{"shape", "(99999999999, 9)"}}).ok());
  expectValues(run("_contrib_arange_like", {counting({2, 3})}, {{"axis", "1"}}), "[3]", {0, 1, 2});
  expectValues(run("_contrib_arange_like", {counting({1, 2})}, {{"start", "5"}}), "[1,2]", {5, 6});
  expectValues(run("shape_array", {counting({2, 3})}), "[2]", {2, 3});
  expectValues(run("size_array", {counting({2, 3})}), "[1]", {6});
}

TEST(MxnetRecurrent, OneVectorOfParameters) {
  // Input weights, recurrent weights, then both biases; gates input, forget, cell, output.
  double x = 0.3, h = 0.5, c = 0.25;
  Tensor parameters{{16}, {1, 2, 3, 4, 0.1, 0.2, 0.3, 0.4, 0.5, -0.5, 0.25, -0.25, 0, 0, 0, 0}};
  const std::vector<double>& p = parameters.values;
  double i = sigmoid(p[0] * x + p[4] * h + p[8]), f = sigmoid(p[1] * x + p[5] * h + p[9]);
  double g = std::tanh(p[2] * x + p[6] * h + p[10]), o = sigmoid(p[3] * x + p[7] * h + p[11]);
  double cell = f * c + i * g;
  Tensor state{{1, 1, 1}, {h}}, memory{{1, 1, 1}, {c}}, input{{1, 1, 1}, {x}};
  Attributes lstm = {{"mode", "lstm"}, {"state_size", "1"}, {"num_layers", "1"}, {"state_outputs", "True"}};
  auto got = run("RNN", {input, parameters, state, memory}, lstm, 3);
  expectValues(got, "[1,1,1]", {o * std::tanh(cell)});
  expectValues(got, "[1,1,1]", {cell}, 2);
  // The backward direction's weights come behind the forward one's.
  Tensor both{{8}, {1, 0, 10, 0, 0, 0, 0, 0}}, steps{{2, 1, 1}, {1, 2}}, zeros{{2, 1, 1}, {0, 0}};
  expectValues(
      run("RNN", {steps, both, zeros},
          {{"mode", "rnn_relu"}, {"state_size", "1"}, {"num_layers", "1"}, {"bidirectional", "True"}}),
      "[2,1,2]", {1, 10, 2, 20});
  Tensor gru{{12}, {1, 2, 3, 0.1, 0.2, 0.3, 0.5, -0.5, 0.25, 0, 0, 0}};
  double reset = sigmoid(x + 0.1 * h + 0.5), update = sigmoid(2 * x + 0.2 * h - 0.5);
  double candidate = std::tanh(3 * x + 0.25 + reset * 0.3 * h);
  expectValues(run("RNN", {input, gru, state}, {{"mode", "gru"}, {"state_size", "1"}, {"num_layers", "1"}}),
               "[1,1,1]", {update * h + (1 - update) * candidate});
  EXPECT_FALSE(run("RNN", {input, gru, state}, lstm).ok()); // too few parameters
}

TEST(MxnetDetection, PriorBoxesBySizesThenRatios) {
  for (const char* type : {"_contrib_MultiBoxPrior", "MultiBoxPrior"})
    expectValues(run(type, {counting({1, 1, 1, 1})}, {{"sizes", "(0.2, 0.4)"}, {"ratios", "(1, 4)"}}),
                 "[1,3,4]", {0.4, 0.4, 0.6, 0.6, 0.3, 0.3, 0.7, 0.7, 0.3, 0.45, 0.7, 0.55});
  expectValues(run("_contrib_MultiBoxPrior", {counting({1, 1, 1, 2})}, {{"sizes", "(1,)"}, {"clip", "True"}}),
               "[1,2,4]", {0, 0, 0.5, 1, 0.5, 0, 1, 1});
}

TEST(MxnetDetection, DecodesSortsAndSuppresses) {
  // Three anchors, background and two classes; the second lies over the first, the third is too unlikely.
  Tensor scores{{1, 3, 3}, {0.1, 0.05, 0.995, 0.8, 0.9, 0.002, 0.1, 0.05, 0.003}},
      offsets{{1, 12}, std::vector<double>(12, 0)};
  Tensor anchors{{1, 3, 4}, {0.1, 0.1, 0.5, 0.5, 0.1, 0.1, 0.5, 0.52, 0.6, 0.6, 0.9, 0.9}};
  offsets.values[4] = 1; // moves the second anchor by 0.1 of its width
  std::vector<double> best = {0, 0.9, 0.14, 0.1, 0.54, 0.52}, covered = {-1, 0.8, 0.1, 0.1, 0.5, 0.5},
                      none(6, -1);
  std::vector<double> rows = best;
  rows.insert(rows.end(), covered.begin(), covered.end());
  rows.insert(rows.end(), none.begin(), none.end());
  for (const char* type : {"_contrib_MultiBoxDetection", "MultiBoxDetection"})
    expectValues(run(type, {scores, offsets, anchors}, {{"nms_threshold", "0.5"}}), "[1,3,6]", rows);
  auto one = run("_contrib_MultiBoxDetection", {scores, offsets, anchors}, {{"nms_topk", "1"}});
  std::vector<double> first = best;
  first.insert(first.end(), 12, -1);
  expectValues(one, "[1,3,6]", first);
}

TEST(MxnetDetection, BoxNmsMovesWhatStaysToTheFront) {
  Tensor rows{{4, 6}, {0, 0.5, 0.1, 0.1, 0.2,  0.2,  1, 0.4, 0.1, 0.1, 0.2, 0.2,
                       0, 0.3, 0.1, 0.1, 0.14, 0.14, 2, 0.6, 0.5, 0.5, 0.7, 0.8}};
  Attributes nms = {{"overlap_thresh", "0.1"},
                    {"coord_start", "2"},
                    {"score_index", "1"},
                    {"id_index", "0"},
                    {"force_suppress", "True"}};
  std::vector<double> kept = {2, 0.6, 0.5, 0.5, 0.7, 0.8, 0, 0.5, 0.1, 0.1, 0.2, 0.2};
  std::vector<double> all = kept;
  all.insert(all.end(), 12, -1);
  for (const char* type : {"_contrib_box_nms", "_contrib_box_non_maximum_suppression"})
    expectValues(run(type, {rows}, nms), "[4,6]", all);
  nms["force_suppress"] = "False"; // the other class stays
  kept.insert(kept.end(), {1, 0.4, 0.1, 0.1, 0.2, 0.2});
  kept.insert(kept.end(), 6, -1);
  expectValues(run("_contrib_box_nms", {rows}, nms), "[4,6]", kept);
  Tensor centre{{1, 5}, {0.5, 2, 2, 2, 4}};
  expectValues(run("_contrib_box_nms", {centre},
                   {{"coord_start", "1"}, {"score_index", "0"}, {"in_format", "center"}}),
               "[1,5]", {0.5, 1, 0, 3, 4});
}
