// Every operator on small tensors, against values worked by hand from the operator's definition.
#include "lib/import/mxnet/operators.h"
#include "lib/import/mxnet/test_symbol.h"

using namespace burin;
using namespace burin::mxnet::test;

namespace {
double sigmoid(double v) { return 1 / (1 + std::exp(-v)); }

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(
    new burin::test::EveryOperatorIsTested([] { return mxnet::operators().supported(); }));
} // namespace

TEST(MxnetConvolution, WindowsBiasAndLayout) {
  Tensor x = counting({1, 1, 3, 3}), ones{{1, 1, 2, 2}, {1, 1, 1, 1}}, bias{{1}, {100}};
  for (const char* type : {"Convolution", "Convolution_v1"}) {
    expectValues(run(type, {x, ones, bias}, {{"kernel", "(2, 2)"}, {"num_filter", "1"}}), "[1,1,2,2]",
                 {108, 112, 120, 124});
    expectValues(run(type, {x, ones},
                     {{"kernel", "(2L, 2L)"}, {"stride", "(2,2)"}, {"pad", "(1,1)"}, {"no_bias", "True"}}),
                 "[1,1,2,2]", {0, 3, 9, 24});
  }
  Tensor pixels{{1, 1, 2, 2}, {1, 2, 3, 4}}, weights{{1, 1, 1, 2}, {1, 10}};
  expectValues(
      run("Convolution", {pixels, weights}, {{"kernel", "(1,1)"}, {"no_bias", "1"}, {"layout", "NHWC"}}),
      "[1,1,2,1]", {21, 43});
}

TEST(MxnetConvolution, DeconvolutionPadsAndTargets) {
  Tensor x{{1, 1, 1, 2}, {1, 2}}, w{{1, 1, 1, 3}, {1, 10, 100}};
  Attributes two = {{"kernel", "(1,3)"}, {"stride", "(1,2)"}};
  expectValues(run("Deconvolution", {x, w}, two), "[1,1,1,5]", {1, 10, 102, 20, 200});
  two["adj"] = "(0,1)";
  expectValues(run("Deconvolution", {x, w}, two), "[1,1,1,6]", {1, 10, 102, 20, 200, 0});
  two["target_shape"] = "(1,4)"; // one too many: cut at the front, and one place added at the end
  expectValues(run("Deconvolution", {x, w}, two), "[1,1,1,4]", {10, 102, 20, 200});
  Tensor bias{{1}, {5}};
  expectValues(
      run("Deconvolution", {x, w, bias}, {{"kernel", "(1,3)"}, {"stride", "(1,2)"}, {"no_bias", "False"}}),
      "[1,1,1,5]", {6, 15, 107, 25, 205});
}

TEST(MxnetConvolution, FullyConnectedFlattensOrNot) {
  Tensor x = counting({1, 2, 2}), w{{1, 4}, {1, 1, 1, 1}}, bias{{1}, {10}}, small{{1, 2}, {1, 1}};
  expectValues(run("FullyConnected", {x, w, bias}, {{"num_hidden", "1"}}), "[1,1]", {16});
  expectValues(run("FullyConnected", {x, small}, {{"flatten", "False"}, {"no_bias", "True"}}), "[1,2,1]",
               {1, 5});
}

TEST(MxnetConvolution, PoolingConventions) {
  Tensor x = counting({1, 1, 1, 6});
  Attributes pool = {{"kernel", "(1,3)"}, {"stride", "(1,2)"}, {"pool_type", "max"}};
  for (const char* type : {"Pooling", "Pooling_v1"}) expectValues(run(type, {x}, pool), "[1,1,1,2]", {2, 4});
  pool["pooling_convention"] = "full";
  expectValues(run("Pooling", {x}, pool), "[1,1,1,3]", {2, 4, 5});
  pool["pooling_convention"] = "same";
  expectValues(run("Pooling", {x}, pool), "[1,1,1,3]", {2, 4, 5});
  Attributes average = {{"kernel", "(1,2)"}, {"stride", "(1,2)"}, {"pad", "(0,1)"}, {"pool_type", "avg"}};
  expectValues(run("Pooling", {x}, average), "[1,1,1,4]", {0, 1.5, 3.5, 2.5});
  average["count_include_pad"] = "False";
  expectValues(run("Pooling", {x}, average), "[1,1,1,4]", {0, 1.5, 3.5, 5});
  average["pool_type"] = "sum";
  expectValues(run("Pooling", {x}, average), "[1,1,1,4]", {0, 3, 7, 5});
  average["pool_type"] = "lp", average["p_value"] = "1";
  expectValues(run("Pooling", {x}, average), "[1,1,1,4]", {0, 3, 7, 5});
  const std::pair<const char*, double> global[] = {
      {"max", 5}, {"avg", 2.5}, {"sum", 15}, {"lp", std::sqrt(55.0)}};
  for (auto [type, value] : global)
    expectValues(run("Pooling", {x}, {{"global_pool", "True"}, {"kernel", "(9,9)"}, {"pool_type", type}}),
                 "[1,1,1,1]", {value});
}

TEST(MxnetConvolution, UpSamplingAndResizing) {
  Tensor x = counting({1, 1, 1, 2}), big = counting({1, 1, 2, 4});
  expectValues(run("UpSampling", {x}, {{"scale", "2"}, {"sample_type", "nearest"}}), "[1,1,2,4]",
               {0, 0, 1, 1, 0, 0, 1, 1});
  expectValues(
      run("UpSampling", {x, big}, {{"scale", "2"}, {"sample_type", "nearest"}, {"multi_input_mode", "sum"}}),
      "[1,1,2,4]", {0, 1, 3, 4, 4, 5, 7, 8});
  EXPECT_EQ(run("UpSampling", {x, big}, {{"scale", "2"}, {"sample_type", "nearest"}}).shapeList(),
            "[1,2,2,4]");
  Tensor w{{1, 1, 4, 4}, std::vector<double>(16, 1)};
  expectValues(run("UpSampling", {{{1, 1, 1, 1}, {3}}, w},
                   {{"scale", "2"}, {"sample_type", "bilinear"}, {"num_filter", "1"}}),
               "[1,1,2,2]", {3, 3, 3, 3});
  expectValues(run("_contrib_BilinearResize2D", {x}, {{"height", "1"}, {"width", "3"}}), "[1,1,1,3]",
               {0, 0.5, 1});
  expectValues(
      run("_contrib_BilinearResize2D", {x}, {{"height", "1"}, {"width", "4"}, {"align_corners", "False"}}),
      "[1,1,1,4]", {0, 0.25, 0.75, 1});
  expectValues(run("_contrib_AdaptiveAvgPooling2D", {counting({1, 1, 2, 3})}, {{"output_size", "(1, 2)"}}),
               "[1,1,1,2]", {2, 3});
  expectValues(run("_contrib_AdaptiveAvgPooling2D", {counting({1, 1, 2, 3})}), "[1,1,1,1]", {2.5});
}

TEST(MxnetNormalization, BatchNormFixesGamma) {
  Tensor x{{1, 2, 1, 1}, {3, 30}}, gamma{{2}, {5, 7}}, beta{{2}, {0, 1}}, mean{{2}, {1, 10}},
      variance{{2}, {4, 100}};
  std::vector<Tensor> all = {x, gamma, beta, mean, variance};
  for (const char* type : {"BatchNorm", "BatchNorm_v1", "CuDNNBatchNorm", "_contrib_SyncBatchNorm"}) {
    expectValues(run(type, all, {{"eps", "0"}}), "[1,2,1,1]", {1, 3});
    expectValues(run(type, all, {{"eps", "0"}, {"fix_gamma", "False"}}), "[1,2,1,1]", {5, 15});
  }
  all[0] = {{1, 1, 1, 2}, {3, 30}};
  expectValues(run("BatchNorm", all, {{"eps", "0"}, {"axis", "3"}}), "[1,1,1,2]", {1, 3});
}

TEST(MxnetNormalization, TheOthers) {
  Tensor x{{1, 2, 2}, {1, 3, 10, 30}}, one{{2}, {1, 2}}, zero{{2}, {0, 5}};
  expectValues(run("InstanceNorm", {x, one, zero}, {{"eps", "0"}}), "[1,2,2]", {-1, 1, 3, 7});
  expectValues(run("GroupNorm", {x, one, zero}, {{"num_groups", "2"}, {"eps", "0"}}), "[1,2,2]",
               {-1, 1, 3, 7});
  expectValues(run("LayerNorm", {x, one, zero}, {{"eps", "0"}}), "[1,2,2]", {-1, 7, -1, 7});
  expectValues(run("LayerNorm", {x, one, zero}, {{"eps", "0"}, {"axis", "1"}}), "[1,2,2]", {-1, -1, 7, 7});
  expectValues(
      run("LRN", {{{1, 1, 1, 1}, {2}}}, {{"nsize", "2"}, {"alpha", "0.5"}, {"beta", "1"}, {"knorm", "1"}}),
      "[1,1,1,1]", {1});
  Tensor v{{1, 2, 1, 2}, {3, 0, 4, 5}};
  expectValues(run("L2Normalization", {v}, {{"mode", "channel"}}), "[1,2,1,2]", {0.6, 0, 0.8, 1});
  expectValues(run("L2Normalization", {v}, {{"mode", "spatial"}}), "[1,2,1,2]",
               {1, 0, 4 / std::sqrt(41.0), 5 / std::sqrt(41.0)});
  double length = std::sqrt(50.0);
  expectValues(run("L2Normalization", {v}), "[1,2,1,2]", {3 / length, 0, 4 / length, 5 / length});
}

TEST(MxnetNormalization, SoftmaxUnderItsNames) {
  double log3 = std::log(3.0);
  Tensor row{{1, 2}, {0, log3}}, map{{1, 2, 1, 2}, {0, 0, log3, 0}};
  for (const char* type : {"SoftmaxOutput", "Softmax"}) {
    Model model; // the label is no input
    int x = model.constant("x", row), label = model.variable("softmax_label");
    auto got = model.head(model.op(type, "softmax", {x, label})).import();
    expectValues(got, "[1,2]", {0.25, 0.75});
  }
  expectValues(run("SoftmaxOutput", {map}, {{"multi_output", "True"}}), "[1,2,1,2]", {0.25, 0.5, 0.75, 0.5});
  expectValues(run("SoftmaxOutput", {map}), "[1,2,1,2]", {1.0 / 6, 1.0 / 6, 0.5, 1.0 / 6});
  expectValues(run("SoftmaxActivation", {map}, {{"mode", "channel"}}), "[1,2,1,2]", {0.25, 0.5, 0.75, 0.5});
  expectValues(run("SoftmaxActivation", {row}), "[1,2]", {0.25, 0.75});
  expectValues(run("softmax", {row}), "[1,2]", {0.25, 0.75});
  expectValues(run("softmax", {{{1, 2}, {0, 2 * log3}}}, {{"temperature", "2.0"}}), "[1,2]", {0.25, 0.75});
  expectValues(run("log_softmax", {row}), "[1,2]", {std::log(0.25), std::log(0.75)});
  expectValues(run("softmin", {row}), "[1,2]", {0.75, 0.25});
  expectValues(run("LogisticRegressionOutput", {{{1}, {1}}}), "[1]", {sigmoid(1)});
  for (const char* type : {"LinearRegressionOutput", "MAERegressionOutput", "SVMOutput"})
    expectValues(run(type, {{{1}, {7}}}), "[1]", {7});
}

TEST(MxnetElementwise, EveryNameOfTheArithmetic) {
  Tensor a{{3}, {7, 3, 2}}, b{{3}, {2, 4, 2}};
  const std::pair<std::vector<const char*>, std::vector<double>> expected[] = {
      {{"elemwise_add", "_plus", "_Plus", "_add", "_grad_add", "broadcast_add", "broadcast_plus", "add_n",
        "ElementWiseSum", "_sum"},
       {9, 7, 4}},
      {{"elemwise_sub", "_minus", "_Minus", "_sub", "broadcast_sub", "broadcast_minus"}, {5, -1, 0}},
      {{"elemwise_mul", "_mul", "_Mul", "broadcast_mul"}, {14, 12, 4}},
      {{"elemwise_div", "_div", "_Div", "broadcast_div"}, {3.5, 0.75, 1}},
      {{"_mod", "broadcast_mod"}, {1, 3, 0}},
      {{"_power", "_Power", "broadcast_power"}, {49, 81, 4}},
      {{"_maximum", "_Maximum", "broadcast_maximum"}, {7, 4, 2}},
      {{"_minimum", "_Minimum", "broadcast_minimum"}, {2, 3, 2}},
      {{"_hypot", "broadcast_hypot"}, {std::sqrt(53.0), 5, std::sqrt(8.0)}},
      {{"_equal", "broadcast_equal"}, {0, 0, 1}},
      {{"_not_equal", "broadcast_not_equal"}, {1, 1, 0}},
      {{"_greater", "broadcast_greater"}, {1, 0, 0}},
      {{"_greater_equal", "broadcast_greater_equal"}, {1, 0, 1}},
      {{"_lesser", "broadcast_lesser"}, {0, 1, 0}},
      {{"_lesser_equal", "broadcast_lesser_equal"}, {0, 1, 1}},
      {{"_logical_and", "broadcast_logical_and", "_logical_or", "broadcast_logical_or"}, {1, 1, 1}},
      {{"_logical_xor", "broadcast_logical_xor"}, {0, 0, 0}}};
  for (const auto& [names, values] : expected)
    for (const char* name : names) {
      SCOPED_TRACE(name);
      expectValues(run(name, {a, b}), "[3]", values);
    }
  expectValues(run("broadcast_add", {counting({2, 1}), counting({1, 2})}), "[2,2]", {0, 1, 1, 2});
}

TEST(MxnetElementwise, EveryNameWithANumber) {
  Tensor x{{2}, {2, 6}};
  const std::pair<std::vector<const char*>, std::vector<double>> expected[] = {
      {{"_plus_scalar", "_PlusScalar"}, {5, 9}},
      {{"_minus_scalar", "_MinusScalar"}, {-1, 3}},
      {{"_rminus_scalar", "_RMinusScalar"}, {1, -3}},
      {{"_mul_scalar", "_MulScalar"}, {6, 18}},
      {{"_div_scalar", "_DivScalar"}, {2.0 / 3, 2}},
      {{"_rdiv_scalar", "_RDivScalar"}, {1.5, 0.5}},
      {{"_mod_scalar"}, {2, 0}},
      {{"_rmod_scalar"}, {1, 3}},
      {{"_power_scalar", "_PowerScalar"}, {8, 216}},
      {{"_rpower_scalar", "_RPowerScalar"}, {9, 729}},
      {{"_maximum_scalar", "_MaximumScalar"}, {3, 6}},
      {{"_minimum_scalar", "_MinimumScalar"}, {2, 3}},
      {{"_equal_scalar"}, {0, 0}},
      {{"_not_equal_scalar"}, {1, 1}},
      {{"_greater_scalar"}, {0, 1}},
      {{"_greater_equal_scalar"}, {0, 1}},
      {{"_lesser_scalar"}, {1, 0}},
      {{"_lesser_equal_scalar"}, {1, 0}},
      {{"_logical_and_scalar", "_logical_or_scalar"}, {1, 1}},
      {{"_logical_xor_scalar"}, {0, 0}}};
  for (const auto& [names, values] : expected)
    for (const char* name : names) {
      SCOPED_TRACE(name);
      expectValues(run(name, {x}, {{"scalar", "3.0"}}), "[2]", values);
    }
}

TEST(MxnetElementwise, WhereClipCast) {
  Tensor x{{2, 2}, {1, 2, 3, 4}}, y{{2, 2}, {-1, -2, -3, -4}};
  expectValues(run("where", {{{2, 2}, {1, 0, 0, 1}}, x, y}), "[2,2]", {1, -2, -3, 4});
  expectValues(run("where", {{{2}, {1, 0}}, x, y}), "[2,2]", {1, 2, -3, -4});
  expectValues(run("clip", {x}, {{"a_min", "1.5"}, {"a_max", "3.5"}}), "[2,2]", {1.5, 2, 3, 3.5});
  for (const char* type : {"Cast", "cast", "amp_cast"})
    expectValues(run(type, {{{1}, {1.9}}}, {{"dtype", "int32"}}), "[1]", {1});
  EXPECT_FALSE(run("Cast", {x}, {{"dtype", "complex64"}}).ok());
}

TEST(MxnetUnary, EveryFunction) {
  const double v = 0.75;
  const std::pair<const char*, double> expected[] = {{"relu", v},
                                                     {"sigmoid", sigmoid(v)},
                                                     {"tanh", std::tanh(v)},
                                                     {"softsign", v / (1 + v)},
                                                     {"hard_sigmoid", 0.2 * v + 0.5},
                                                     {"exp", std::exp(v)},
                                                     {"log", std::log(v)},
                                                     {"log2", std::log2(v)},
                                                     {"log10", std::log10(v)},
                                                     {"log1p", std::log1p(v)},
                                                     {"expm1", std::expm1(v)},
                                                     {"sqrt", std::sqrt(v)},
                                                     {"rsqrt", 1 / std::sqrt(v)},
                                                     {"square", v * v},
                                                     {"abs", v},
                                                     {"negative", -v},
                                                     {"reciprocal", 1 / v},
                                                     {"floor", 0},
                                                     {"ceil", 1},
                                                     {"round", 1},
                                                     {"rint", 1},
                                                     {"fix", 0},
                                                     {"trunc", 0},
                                                     {"sign", 1},
                                                     {"erf", std::erf(v)},
                                                     {"sin", std::sin(v)},
                                                     {"cos", std::cos(v)},
                                                     {"tan", std::tan(v)},
                                                     {"arcsin", std::asin(v)},
                                                     {"arccos", std::acos(v)},
                                                     {"arctan", std::atan(v)},
                                                     {"sinh", std::sinh(v)},
                                                     {"cosh", std::cosh(v)},
                                                     {"logical_not", 0},
                                                     {"smooth_l1", 0.5 * v * v},
                                                     {"Dropout", v},
                                                     {"BlockGrad", v},
                                                     {"stop_gradient", v},
                                                     {"identity", v},
                                                     {"_copy", v},
                                                     {"MakeLoss", v},
                                                     {"make_loss", v},
                                                     {"IdentityAttachKLSparseReg", v}};
  for (auto [type, value] : expected) {
    SCOPED_TRACE(type);
    expectValues(run(type, {{{1}, {v}}}), "[1]", {value});
  }
  expectValues(run("_identity_with_attr_like_rhs", {{{1}, {v}}, {{1}, {0}}}), "[1]", {v});
  expectValues(run("round", {{{2}, {-2.5, 2.5}}}), "[2]", {-3, 3});
  expectValues(run("rint", {{{2}, {1.5, -1.5}}}), "[2]", {1, -2});
  expectValues(run("fix", {{{2}, {-1.7, 1.7}}}), "[2]", {-1, 1});
  expectValues(run("smooth_l1", {{{1}, {-3}}}, {{"scalar", "2.0"}}), "[1]", {3 - 0.125});
  expectValues(run("_contrib_div_sqrt_dim", {{{1, 4}, {2, 4, 6, 8}}}), "[1,4]", {1, 2, 3, 4});
}

TEST(MxnetUnary, ActivationAndLeakyRelu) {
  Tensor x{{1, 2, 1}, {-1, 2}};
  const std::pair<const char*, std::vector<double>> types[] = {
      {"relu", {0, 2}},
      {"sigmoid", {sigmoid(-1), sigmoid(2)}},
      {"tanh", {std::tanh(-1), std::tanh(2)}},
      {"softrelu", {std::log1p(std::exp(-1)), std::log1p(std::exp(2))}},
      {"softsign", {-0.5, 2.0 / 3}},
      {"log_sigmoid", {std::log(sigmoid(-1)), std::log(sigmoid(2))}},
      {"mish", {-std::tanh(std::log1p(std::exp(-1))), 2 * std::tanh(std::log1p(std::exp(2)))}}};
  for (const auto& [type, values] : types)
    expectValues(run("Activation", {x}, {{"act_type", type}}), "[1,2,1]", values);
  EXPECT_EQ(run("Activation", {x}, {{"act_type", "other"}}).result.error().code, ErrorCode::Unsupported);
  auto leaky = [&](const char* type) {
    return run("LeakyReLU", {x}, {{"act_type", type}, {"slope", "0.5"}});
  };
  expectValues(leaky("leaky"), "[1,2,1]", {-0.5, 2});
  expectValues(leaky("elu"), "[1,2,1]", {0.5 * std::expm1(-1), 2});
  expectValues(leaky("selu"), "[1,2,1]", {1.05070098 * 1.67326324 * std::expm1(-1), 1.05070098 * 2});
  expectValues(leaky("gelu"), "[1,2,1]",
               {-0.5 * (1 + std::erf(-1 / std::sqrt(2.0))), 1 + std::erf(2 / std::sqrt(2.0))});
  expectValues(leaky("rrelu"), "[1,2,1]", {-(0.125 + 0.334) / 2, 2});
  Tensor negative{{1, 2, 1}, {-1, -2}};
  expectValues(run("LeakyReLU", {negative, {{2}, {10, 1}}}, {{"act_type", "prelu"}}), "[1,2,1]", {-10, -2});
  expectValues(run("LeakyReLU", {negative, {{1}, {10}}}, {{"act_type", "prelu"}}), "[1,2,1]", {-10, -20});
}

TEST(MxnetReduction, AxesExcludeAndScalars) {
  Tensor x = counting({2, 3});
  const std::pair<std::vector<const char*>, std::vector<double>> expected[] = {{{"sum", "sum_axis"}, {3, 12}},
                                                                               {{"mean"}, {1, 4}},
                                                                               {{"max", "max_axis"}, {2, 5}},
                                                                               {{"min", "min_axis"}, {0, 3}},
                                                                               {{"prod"}, {0, 60}}};
  for (const auto& [names, values] : expected)
    for (const char* name : names) expectValues(run(name, {x}, {{"axis", "(1,)"}}), "[2]", values);
  expectValues(run("sum", {x}), "[1]", {15});
  expectValues(run("sum", {x}, {{"axis", "1"}, {"exclude", "True"}, {"keepdims", "True"}}), "[1,3]",
               {3, 5, 7});
  expectValues(run("norm", {{{1, 2}, {3, -4}}}, {{"axis", "1"}}), "[1]", {5});
  expectValues(run("norm", {{{1, 2}, {3, -4}}}, {{"ord", "1"}}), "[1]", {7});
  for (const char* type : {"cumsum", "_np_cumsum"})
    expectValues(run(type, {x}, {{"axis", "1"}}), "[2,3]", {0, 1, 3, 3, 7, 12});
}

TEST(MxnetReduction, ExtremaAndSorts) {
  Tensor x{{2, 3}, {1, 9, 3, 7, 5, 8}};
  expectValues(run("argmax", {x}, {{"axis", "1"}}), "[2]", {1, 2});
  expectValues(run("argmin", {x}, {{"axis", "0"}, {"keepdims", "True"}}), "[1,3]", {0, 1, 0});
  expectValues(run("argmax", {x}), "[1]", {1});
  expectValues(run("argmax_channel", {x}), "[2]", {1, 2});
  expectValues(run("topk", {x}, {{"k", "2"}}), "[2,2]", {1, 2, 2, 0});
  expectValues(run("topk", {x}, {{"k", "1"}, {"ret_typ", "value"}, {"is_ascend", "True"}}), "[2,1]", {1, 5});
  expectValues(run("topk", {x}, {{"k", "1"}, {"ret_typ", "both"}}, 2), "[2,1]", {1, 2}, 1);
  expectValues(run("topk", {x}, {{"k", "1"}, {"ret_typ", "mask"}}), "[2,3]", {0, 1, 0, 0, 0, 1});
  expectValues(run("topk", {x}, {{"axis", "None"}, {"k", "2"}}), "[2]", {1, 5});
  expectValues(run("sort", {x}), "[2,3]", {1, 3, 9, 5, 7, 8});
  expectValues(run("argsort", {x}, {{"is_ascend", "False"}}), "[2,3]", {1, 2, 0, 2, 0, 1});
}

TEST(MxnetReduction, Products) {
  Tensor a = counting({2, 2}), b{{2, 2}, {1, 2, 3, 4}};
  expectValues(run("dot", {a, b}), "[2,2]", {3, 4, 11, 16});
  expectValues(run("dot", {a, b}, {{"transpose_a", "True"}}), "[2,2]", {6, 8, 10, 14});
  expectValues(run("dot", {{{2}, {1, 2}}, {{2}, {3, 4}}}), "[1]", {11});
  expectValues(run("dot", {counting({1, 2, 2}), {{2, 1, 1}, {1, 1}}}), "[1,2,1,1]", {1, 5});
  for (const char* type : {"batch_dot", "_linalg_gemm2", "linalg_gemm2"})
    expectValues(run(type, {counting({1, 2, 2}), {{1, 1, 2}, {1, 1}}}, {{"transpose_b", "True"}}), "[1,2,1]",
                 {1, 5});
}
