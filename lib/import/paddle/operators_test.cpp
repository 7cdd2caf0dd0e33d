// Every operator on small tensors, against values worked by hand from the operator's definition.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/test_program.h"

#include <cmath>

using namespace burin;
using namespace burin::paddle::test;

TEST(PaddleConvolution, PadsPerAxisAndPerBorder) {
  Tensor x = counting({1, 1, 3, 3}), ones{{1, 1, 2, 2}, {1, 1, 1, 1}};
  expectValues(
      run("conv2d", {{"Input", {x}}, {"Filter", {ones}}}, {{"strides", std::vector{1, 1}}}, {"Output"}),
      "[1,1,2,2]", {8, 12, 20, 24});
  // Top 1, bottom 0, left 0, right 1.
  expectValues(run("conv2d", {{"Input", {x}}, {"Filter", {ones}}}, {{"paddings", std::vector{1, 0, 0, 1}}},
                   {"Output"}),
               "[1,1,3,3]", {1, 3, 2, 8, 12, 7, 20, 24, 13});
  expectValues(run("conv2d", {{"Input", {x}}, {"Filter", {ones}}},
                   {{"padding_algorithm", std::string("SAME")}, {"strides", std::vector{2, 2}}}, {"Output"}),
               "[1,1,2,2]", {8, 7, 13, 8});
  expectValues(run("depthwise_conv2d",
                   {{"Input", {counting({1, 2, 1, 2})}}, {"Filter", {{{2, 1, 1, 1}, {10, 100}}}}},
                   {{"groups", 2}}, {"Output"}),
               "[1,2,1,2]", {0, 10, 200, 300});
}

TEST(PaddleConvolution, ChannelsLastKeepsTheFilterOrder) {
  Tensor x{{1, 1, 2, 2}, {1, 2, 3, 4}}, filter{{1, 2, 1, 1}, {1, 10}};
  expectValues(run("conv2d", {{"Input", {x}}, {"Filter", {filter}}}, {{"data_format", std::string("NHWC")}},
                   {"Output"}),
               "[1,1,2,1]", {21, 43});
}

TEST(PaddleConvolution, FusedPartsFollow) {
  Tensor x{{1, 1, 1, 2}, {1, -5}}, filter{{1, 1, 1, 1}, {1}}, bias{{1}, {1}}, residual{{1, 1, 1, 2}, {10, 1}};
  expectValues(run("conv2d",
                   {{"Input", {x}}, {"Filter", {filter}}, {"Bias", {bias}}, {"ResidualData", {residual}}},
                   {{"fuse_activation", std::string("relu")}}, {"Output"}),
               "[1,1,1,2]", {12, 0});
}

TEST(PaddleConvolution, TransposedWithOutputSize) {
  Tensor x{{1, 1, 1, 2}, {1, 2}}, filter{{1, 1, 1, 2}, {1, 10}};
  Attributes two = {{"strides", std::vector{1, 2}}};
  expectValues(run("conv2d_transpose", {{"Input", {x}}, {"Filter", {filter}}}, two, {"Output"}), "[1,1,1,4]",
               {1, 10, 2, 20});
  two["output_size"] = std::vector{1, 5};
  expectValues(run("conv2d_transpose", {{"Input", {x}}, {"Filter", {filter}}}, two, {"Output"}), "[1,1,1,5]",
               {1, 10, 2, 20, 0});
  two["output_size"] = std::vector{1, 6};
  EXPECT_FALSE(run("conv2d_transpose", {{"Input", {x}}, {"Filter", {filter}}}, two, {"Output"}).ok());
  expectValues(run("depthwise_conv2d_transpose",
                   {{"Input", {{{1, 2, 1, 1}, {1, 2}}}}, {"Filter", {{{2, 1, 1, 1}, {3, 5}}}}},
                   {{"groups", 2}}, {"Output"}),
               "[1,2,1,1]", {3, 10});
}

TEST(PaddlePooling, CeilExclusiveGlobalAdaptive) {
  Tensor x = counting({1, 1, 1, 5});
  Attributes pool = {
      {"ksize", std::vector{1, 2}}, {"strides", std::vector{1, 2}}, {"pooling_type", std::string("max")}};
  expectValues(run("pool2d", {{"X", {x}}}, pool), "[1,1,1,2]", {1, 3});
  pool["ceil_mode"] = true;
  expectValues(run("pool2d", {{"X", {x}}}, pool), "[1,1,1,3]", {1, 3, 4});
  pool["ceil_mode"] = false, pool["pooling_type"] = std::string("avg"), pool["paddings"] = std::vector{0, 1};
  expectValues(run("pool2d", {{"X", {x}}}, pool), "[1,1,1,3]", {0, 1.5, 3.5});
  pool["exclusive"] = false;
  expectValues(run("pool2d", {{"X", {counting({1, 1, 1, 4})}}}, pool), "[1,1,1,3]", {0, 1.5, 1.5});
  pool["global_pooling"] = true;
  expectValues(run("pool2d", {{"X", {x}}}, pool), "[1,1,1,1]", {2});
  Attributes adaptive = {
      {"ksize", std::vector{1, 2}}, {"adaptive", true}, {"pooling_type", std::string("avg")}};
  expectValues(run("pool2d", {{"X", {x}}}, adaptive), "[1,1,1,2]", {1, 3});
  adaptive["ksize"] = std::vector{1, 1};
  expectValues(run("pool2d", {{"X", {x}}}, adaptive), "[1,1,1,1]", {2});
}

TEST(PaddlePooling, AnInputSmallerThanTheWindowGivesOneWindow) {
  Tensor x = counting({1, 1, 1, 3});
  Attributes pool = {
      {"ksize", std::vector{2, 2}}, {"strides", std::vector{2, 2}}, {"pooling_type", std::string("max")}};
  expectValues(run("pool2d", {{"X", {x}}}, pool), "[1,1,1,1]", {1});
  pool["pooling_type"] = std::string("avg");
  expectValues(run("pool2d", {{"X", {x}}}, pool), "[1,1,1,1]", {0.5});
  pool["exclusive"] = false; // the elements outside count as zeros
  expectValues(run("pool2d", {{"X", {x}}}, pool), "[1,1,1,1]", {0.25});
}

TEST(PaddleVolumes, ConvolveAndPool) {
  Tensor x = counting({1, 1, 2, 1, 2}), ones{{1, 1, 2, 1, 1}, {1, 1}};
  expectValues(run("conv3d", {{"Input", {x}}, {"Filter", {ones}}}, {}, {"Output"}), "[1,1,1,1,2]", {2, 4});
  expectValues(
      run("conv3d_transpose", {{"Input", {counting({1, 1, 1, 1, 2})}}, {"Filter", {ones}}}, {}, {"Output"}),
      "[1,1,2,1,2]", {0, 1, 0, 1});
  Attributes pool = {{"ksize", std::vector{2, 1, 1}}, {"pooling_type", std::string("avg")}};
  expectValues(run("pool3d", {{"X", {x}}}, pool), "[1,1,1,1,2]", {1, 2});
  auto indexed =
      run("max_pool3d_with_index", {{"X", {x}}}, {{"ksize", std::vector{2, 1, 1}}}, {"Out", "Mask"});
  expectValues(indexed, "[1,1,1,1,2]", {2, 3});
  expectValues(indexed, "[1,1,1,1,2]", {2, 3}, 1);
}

TEST(PaddlePooling, MaskCountsWithinAChannel) {
  Tensor x{{1, 2, 1, 2}, {1, 2, 4, 3}};
  auto got = run("max_pool2d_with_index", {{"X", {x}}}, {{"ksize", std::vector{1, 2}}}, {"Out", "Mask"});
  expectValues(got, "[1,2,1,1]", {2, 4});
  expectValues(got, "[1,2,1,1]", {1, 0}, 1);
}

TEST(PaddleNormalization, BatchLayerGroupInstance) {
  Tensor x{{1, 2, 1, 2}, {1, 3, 10, 30}}, one{{2}, {1, 2}}, zero{{2}, {0, 5}}, mean{{2}, {1, 10}},
      variance{{2}, {4, 100}};
  Slots slots = {{"X", {x}}, {"Scale", {one}}, {"Bias", {zero}}, {"Mean", {mean}}, {"Variance", {variance}}};
  for (const char* type : {"batch_norm", "sync_batch_norm"})
    expectValues(run(type, slots, {{"epsilon", 0.0f}, {"is_test", true}}, {"Y"}), "[1,2,1,2]", {0, 1, 5, 9});
  EXPECT_FALSE(run("batch_norm", slots, {{"is_test", false}}, {"Y"}).ok());
  Tensor rows{{1, 2}, {1, 3}};
  expectValues(
      run("layer_norm", {{"X", {rows}}, {"Scale", {one}}, {"Bias", {zero}}}, {{"epsilon", 0.0f}}, {"Y"}),
      "[1,2]", {-1, 7});
  expectValues(
      run("instance_norm", {{"X", {x}}, {"Scale", {one}}, {"Bias", {zero}}}, {{"epsilon", 0.0f}}, {"Y"}),
      "[1,2,1,2]", {-1, 1, 3, 7});
  Tensor four{{1, 2, 1, 2}, {1, 1, 3, 3}};
  expectValues(run("group_norm", {{"X", {four}}}, {{"groups", 1}, {"epsilon", 0.0f}}, {"Y"}), "[1,2,1,2]",
               {-1, -1, 1, 1});
  expectValues(run("norm", {{"X", {{{1, 2}, {3, 4}}}}}, {{"axis", 1}, {"epsilon", 0.0f}}), "[1,2]",
               {0.6, 0.8});
  expectValues(run("affine_channel", {{"X", {x}}, {"Scale", {one}}, {"Bias", {zero}}}), "[1,2,1,2]",
               {1, 3, 25, 65});
}

TEST(PaddleNormalization, SoftmaxDropoutLrn) {
  Tensor x{{1, 2}, {0, std::log(3.0)}};
  expectValues(run("softmax", {{"X", {x}}}), "[1,2]", {0.25, 0.75});
  expectValues(run("log_softmax", {{"X", {x}}}), "[1,2]", {std::log(0.25), std::log(0.75)});
  Tensor two{{2}, {1, 2}};
  expectValues(run("dropout", {{"X", {two}}}, {{"dropout_prob", 0.25f}}), "[2]", {0.75, 1.5});
  expectValues(run("dropout", {{"X", {two}}},
                   {{"dropout_prob", 0.25f}, {"dropout_implementation", std::string("upscale_in_train")}}),
               "[2]", {1, 2});
  expectValues(
      run("lrn", {{"X", {{{1, 1, 1, 1}, {2}}}}}, {{"n", 5}, {"alpha", 0.5f}, {"beta", 1.0f}, {"k", 1.0f}}),
      "[1,1,1,1]", {2.0 / 3});
}

TEST(PaddleElementwise, AxisPlacesTheSmallerOperand) {
  Tensor x = counting({2, 2, 2}), y{{2}, {0, 10}};
  expectValues(run("elementwise_add", {{"X", {x}}, {"Y", {y}}}), "[2,2,2]", {0, 11, 2, 13, 4, 15, 6, 17});
  expectValues(run("elementwise_add", {{"X", {x}}, {"Y", {y}}}, {{"axis", 1}}), "[2,2,2]",
               {0, 1, 12, 13, 4, 5, 16, 17});
  Tensor column{{2, 1}, {0, 10}}; // ones at the end do not count
  expectValues(run("elementwise_add", {{"X", {x}}, {"Y", {column}}}, {{"axis", 0}}), "[2,2,2]",
               {0, 1, 2, 3, 14, 15, 16, 17});
  EXPECT_FALSE(run("elementwise_add", {{"X", {x}}, {"Y", {y}}}, {{"axis", 3}}).ok());
}

TEST(PaddleElementwise, Arithmetic) {
  Slots pair = {{"X", {{{3}, {7, -7, 2}}}}, {"Y", {{{3}, {2, 2, 2}}}}};
  const std::pair<const char*, std::vector<double>> expected[] = {{"elementwise_sub", {5, -9, 0}},
                                                                  {"elementwise_mul", {14, -14, 4}},
                                                                  {"elementwise_div", {3.5, -3.5, 1}},
                                                                  {"elementwise_max", {7, 2, 2}},
                                                                  {"elementwise_min", {2, -7, 2}},
                                                                  {"elementwise_pow", {49, 49, 4}},
                                                                  {"elementwise_mod", {1, 1, 0}},
                                                                  {"elementwise_floordiv", {3, -4, 1}},
                                                                  {"maximum", {7, 2, 2}},
                                                                  {"minimum", {2, -7, 2}},
                                                                  {"grad_add", {9, -5, 4}},
                                                                  {"equal", {0, 0, 1}},
                                                                  {"not_equal", {1, 1, 0}},
                                                                  {"less_than", {0, 1, 0}},
                                                                  {"less_equal", {0, 1, 1}},
                                                                  {"greater_than", {1, 0, 0}},
                                                                  {"greater_equal", {1, 0, 1}}};
  for (const auto& [type, values] : expected) {
    SCOPED_TRACE(type);
    expectValues(run(type, pair), "[3]", values);
  }
  Slots whole = {{"X", {ints({2}, {7, -7})}}, {"Y", {ints({2}, {2, 2})}}};
  expectValues(run("elementwise_floordiv", whole), "[2]", {3, -4});
}

TEST(PaddleElementwise, Logic) {
  Slots pair = {{"X", {ints({4}, {0, 0, 1, 1}, VarType::BOOL)}},
                {"Y", {ints({4}, {0, 1, 0, 1}, VarType::BOOL)}}};
  expectValues(run("logical_and", pair), "[4]", {0, 0, 0, 1});
  expectValues(run("logical_or", pair), "[4]", {0, 1, 1, 1});
  expectValues(run("logical_xor", pair), "[4]", {0, 1, 1, 0});
  expectValues(run("logical_not", {pair[0]}), "[4]", {1, 1, 0, 0});
  Slots bits = {{"X", {ints({1}, {6})}}, {"Y", {ints({1}, {3})}}};
  expectValues(run("bitwise_and", bits), "[1]", {2});
  expectValues(run("bitwise_or", bits), "[1]", {7});
  expectValues(run("bitwise_xor", bits), "[1]", {5});
  expectValues(run("bitwise_not", {bits[0]}), "[1]", {-7});
  expectValues(run("isnan_v2", {{"X", {{{1}, {1}}}}}), "[1]", {0});
}

TEST(PaddleElementwise, ScaleClipCastPowWhere) {
  Tensor x{{2}, {1, 2}};
  expectValues(run("scale", {{"X", {x}}}, {{"scale", 3.0f}, {"bias", 1.0f}}), "[2]", {4, 7});
  expectValues(run("scale", {{"X", {x}}}, {{"scale", 3.0f}, {"bias", 1.0f}, {"bias_after_scale", false}}),
               "[2]", {6, 9});
  expectValues(run("clip", {{"X", {x}}}, {{"min", 1.5f}, {"max", 1.75f}}), "[2]", {1.5, 1.75});
  expectValues(run("clip", {{"X", {x}}, {"Max", {{{1}, {1.25}}}}}, {{"min", 0.0f}}), "[2]", {1, 1.25});
  expectValues(run("cast", {{"X", {{{2}, {1.9, -1.9}}}}}, {{"out_dtype", int(VarType::INT32)}}), "[2]",
               {1, -1});
  expectValues(run("pow", {{"X", {x}}}, {{"factor", 3.0f}}), "[2]", {1, 8});
  expectValues(run("pow", {{"X", {x}}}, {{"factor", 2.0f}}), "[2]", {1, 4});
  expectValues(
      run("where", {{"Condition", {ints({2}, {1, 0}, VarType::BOOL)}}, {"X", {x}}, {"Y", {{{2}, {5, 6}}}}}),
      "[2]", {1, 6});
  expectValues(run("sum", {{"X", {x, x, x}}}), "[2]", {3, 6});
  for (const char* type : {"assign", "share_data", "memcpy"})
    expectValues(run(type, {{"X", {x}}}), "[2]", {1, 2});
}

TEST(PaddleActivation, EveryFunction) {
  const double v = 0.75;
  auto softplus = [](double x) { return std::log1p(std::exp(x)); };
  const std::vector<std::tuple<const char*, Attributes, double>> expected = {
      {"relu", {}, v},
      {"sigmoid", {}, 1 / (1 + std::exp(-v))},
      {"tanh", {}, std::tanh(v)},
      {"exp", {}, std::exp(v)},
      {"log", {}, std::log(v)},
      {"sqrt", {}, std::sqrt(v)},
      {"rsqrt", {}, 1 / std::sqrt(v)},
      {"square", {}, v * v},
      {"abs", {}, v},
      {"floor", {}, 0},
      {"ceil", {}, 1},
      {"reciprocal", {}, 1 / v},
      {"sin", {}, std::sin(v)},
      {"cos", {}, std::cos(v)},
      {"tan", {}, std::tan(v)},
      {"asin", {}, std::asin(v)},
      {"acos", {}, std::acos(v)},
      {"atan", {}, std::atan(v)},
      {"sinh", {}, std::sinh(v)},
      {"cosh", {}, std::cosh(v)},
      {"erf", {}, std::erf(v)},
      {"sign", {}, 1},
      {"silu", {}, v / (1 + std::exp(-v))},
      {"softsign", {}, v / (1 + v)},
      {"hard_swish", {}, v * (v + 3) / 6},
      {"hard_swish", {{"threshold", 4.0f}, {"scale", 5.0f}, {"offset", 2.0f}}, v * (v + 2) / 5},
      {"swish", {{"beta", 2.0f}}, v / (1 + std::exp(-2 * v))},
      {"softplus", {}, softplus(v)},
      {"softplus", {{"beta", 2.0f}}, softplus(2 * v) / 2},
      {"softplus", {{"threshold", 0.5f}}, v},
      {"mish", {}, v * std::tanh(softplus(v))},
      {"mish", {{"threshold", 0.5f}}, v * std::tanh(v)},
      {"gelu", {}, v * 0.5 * (1 + std::erf(v / std::sqrt(2.0)))},
      {"gelu",
       {{"approximate", true}},
       0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)))},
      {"round", {}, 1},
      {"relu6", {{"threshold", 0.5f}}, 0.5},
      {"leaky_relu", {}, v},
      {"elu", {}, v},
      {"celu", {}, v},
      {"selu", {}, 1.05070098 * v},
      {"hard_sigmoid", {}, 0.2 * v + 0.5},
      {"hard_sigmoid", {{"slope", 0.1f}, {"offset", 0.25f}}, 0.1 * v + 0.25},
      {"brelu", {{"t_max", 0.5f}}, 0.5},
      {"hard_shrink", {{"threshold", 1.0f}}, 0},
      {"softshrink", {{"lambda", 0.25f}}, 0.5},
      {"tanh_shrink", {}, v - std::tanh(v)},
      {"thresholded_relu", {}, 0},
      {"logsigmoid", {}, -softplus(-v)},
      {"stanh", {}, 1.7159 * std::tanh(0.67 * v)},
      {"log2", {}, std::log2(v)},
      {"log10", {}, std::log10(v)},
      {"log1p", {}, std::log1p(v)}};
  for (const auto& [type, attributes, value] : expected) {
    SCOPED_TRACE(type);
    expectValues(run(type, {{"X", {{{1}, {v}}}}}, attributes), "[1]", {value});
  }
  Slots negative = {{"X", {{{1}, {-2.5}}}}};
  expectValues(run("leaky_relu", negative, {{"alpha", 0.1f}}), "[1]", {-0.25});
  expectValues(run("elu", negative, {{"alpha", 2.0f}}), "[1]", {2 * std::expm1(-2.5)});
  expectValues(run("celu", negative, {{"alpha", 2.0f}}), "[1]", {2 * std::expm1(-1.25)});
  expectValues(run("selu", negative), "[1]", {1.05070098 * 1.67326324 * std::expm1(-2.5)});
  expectValues(run("round", negative), "[1]", {-3});
}

TEST(PaddleActivation, PreluModesAndMaxout) {
  Tensor x{{1, 2, 1, 2}, {-1, -2, -3, -4}};
  auto prelu = [&](const std::string& mode, const Tensor& alpha) {
    return run("prelu", {{"X", {x}}, {"Alpha", {alpha}}}, {{"mode", mode}});
  };
  expectValues(prelu("all", {{1}, {10}}), "[1,2,1,2]", {-10, -20, -30, -40});
  expectValues(prelu("channel", {{2}, {10, 1}}), "[1,2,1,2]", {-10, -20, -3, -4});
  expectValues(prelu("element", {{2, 1, 2}, {1, 2, 3, 4}}), "[1,2,1,2]", {-1, -4, -9, -16});
  expectValues(run("maxout", {{"X", {x}}}, {{"groups", 2}}), "[1,1,1,2]", {-1, -2});
}

TEST(PaddleLinear, FlattenedAndTransposedProducts) {
  Tensor a = counting({2, 1, 2}), b{{2, 2}, {1, 2, 3, 4}};
  expectValues(run("mul", {{"X", {a}}, {"Y", {b}}}, {{"x_num_col_dims", 2}}), "[2,1,2]", {3, 4, 11, 16});
  expectValues(run("mul", {{"X", {a}}, {"Y", {b}}}), "[2,2]", {3, 4, 11, 16});
  Tensor m{{2, 2}, {0, 1, 2, 3}};
  expectValues(run("matmul", {{"X", {m}}, {"Y", {b}}}, {{"transpose_Y", true}, {"alpha", 2.0f}}), "[2,2]",
               {4, 8, 16, 36});
  expectValues(run("matmul_v2", {{"X", {m}}, {"Y", {b}}}, {{"trans_x", true}}), "[2,2]", {6, 8, 10, 14});
  expectValues(run("matmul_v2", {{"X", {{{2}, {1, 1}}}}, {"Y", {b}}}, {{"trans_x", true}}), "[2]", {4, 6});
  expectValues(run("fc", {{"Input", {m}}, {"W", {b}}, {"Bias", {{{2}, {-5, 0}}}}},
                   {{"activation_type", std::string("relu")}}),
               "[2,2]", {0, 4, 6, 16});
  expectValues(run("bmm", {{"X", {counting({1, 2, 2})}}, {"Y", {{{1, 2, 1}, {1, 1}}}}}), "[1,2,1]", {1, 5});
  expectValues(run("mv", {{"X", {m}}, {"Y", {{{2}, {1, 1}}}}}), "[2]", {1, 5});
  expectValues(run("dot", {{"X", {m}}, {"Y", {b}}}), "[2]", {2, 18});
  expectValues(run("addmm", {{"Input", {m}}, {"X", {m}}, {"Y", {b}}}, {{"Alpha", 2.0f}, {"Beta", 10.0f}}),
               "[2,2]", {6, 18, 42, 62});
}

TEST(PaddleReduction, AxesAllAndBooleans) {
  Slots x = {{"X", {counting({2, 3})}}};
  const std::pair<const char*, std::vector<double>> rows[] = {{"reduce_mean", {1, 4}},
                                                              {"reduce_sum", {3, 12}},
                                                              {"reduce_max", {2, 5}},
                                                              {"reduce_min", {0, 3}},
                                                              {"reduce_prod", {0, 60}}};
  for (const auto& [type, values] : rows) {
    SCOPED_TRACE(type);
    expectValues(run(type, x, {{"dim", std::vector{-1}}}), "[2]", values);
  }
  expectValues(run("reduce_sum", x, {{"dim", std::vector{0}}, {"keep_dim", true}}), "[1,3]", {3, 5, 7});
  expectValues(run("reduce_sum", x, {{"reduce_all", true}, {"dim", std::vector{0}}}), "[]", {15});
  Slots flags = {{"X", {ints({2, 2}, {1, 0, 1, 1}, VarType::BOOL)}}};
  expectValues(run("reduce_all", flags, {{"dim", std::vector{1}}}), "[2]", {0, 1});
  expectValues(run("reduce_any", flags, {{"dim", std::vector{0}}}), "[2]", {1, 1});
  expectValues(run("mean", x), "[]", {2.5});
}

TEST(PaddleReduction, ExtremaSortsNorms) {
  Tensor x{{2, 3}, {1, 9, 3, 7, 5, 8}};
  expectValues(run("arg_max", {{"X", {x}}}, {{"axis", 1}}), "[2]", {1, 2});
  expectValues(run("arg_min", {{"X", {x}}}, {{"axis", 0}, {"keepdims", true}}), "[1,3]", {0, 1, 0});
  expectValues(run("arg_max", {{"X", {x}}}, {{"flatten", true}}), "[]", {1});
  auto top = run("top_k_v2", {{"X", {x}}}, {{"k", 2}, {"axis", 1}}, {"Out", "Indices"});
  expectValues(top, "[2,2]", {9, 3, 8, 7});
  expectValues(top, "[2,2]", {1, 2, 2, 0}, 1);
  expectValues(run("top_k", {{"X", {x}}, {"K", {ints({1}, {1})}}}, {}, {"Out", "Indices"}), "[2,1]", {9, 8});
  expectValues(run("argsort", {{"X", {x}}}, {{"axis", 1}}, {"Out", "Indices"}), "[2,3]", {0, 2, 1, 1, 0, 2},
               1);
  expectValues(run("cumsum", {{"X", {x}}}, {{"axis", 1}}), "[2,3]", {1, 10, 13, 7, 12, 20});
  Slots pair = {{"X", {{{1, 2}, {-3, 4}}}}};
  expectValues(run("p_norm", pair, {{"porder", 2.0f}, {"axis", 1}}), "[1]", {5});
  expectValues(run("p_norm", pair, {{"porder", 1.0f}, {"axis", 1}, {"keepdim", true}}), "[1,1]", {7});
  expectValues(run("p_norm", pair, {{"porder", 3.0f}, {"axis", 1}}), "[1]", {std::cbrt(91.0)});
  expectValues(run("p_norm", pair, {{"porder", INFINITY}, {"asvector", true}}), "[]", {4});
  expectValues(run("frobenius_norm", pair, {{"reduce_all", true}}), "[]", {5});
}

TEST(PaddleReduction, OlderProgramsHaveNoScalars) {
  Model model;
  model.parameter("x", counting({3})).variable("y", {1}, VarType::FP32);
  model.op("reduce_sum", {{"X", {"x"}}}, {{"Out", {"y"}}}, {{"reduce_all", true}}).fetch("y");
  expectValues(model.import(), "[1]", {3});
}
