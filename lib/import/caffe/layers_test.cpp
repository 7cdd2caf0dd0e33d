// Every layer's rule against values worked by hand.
#include "lib/import/caffe/test_network.h"

#include <cmath>

using namespace burin;
using namespace burin::caffe::test;

namespace {
std::string error(Case c, const std::vector<int64_t>& dims) { return c.run(dims).error(); }
} // namespace

TEST(CaffeConvolution, GroupsAndDilation) {
  Case grouped{"Convolution", "convolution_param { num_output: 2 group: 2 kernel_size: 1 }"};
  grouped.blob({2, 1, 1, 1}, {3, 5}).blob({2}, {1, 2});
  expectNear(grouped.run({1, 2, 1, 1}, {10, 100}), {31, 502});
  Case dilated{
      "Convolution",
      "convolution_param { num_output: 1 kernel_h: 1 kernel_w: 2 dilation: [1, 2] bias_term: false }"};
  expectNear(dilated.blob({1, 1, 1, 2}, {1, 10}).run({1, 1, 1, 5}), {20, 31, 42});
  Case strided{"Convolution",
               "convolution_param { num_output: 1 kernel_h: 1 kernel_w: 1 stride_h: 1 stride_w: 2 "
               "pad_h: 0 pad_w: 1 bias_term: false }"};
  expectNear(strided.blob({1, 1, 1, 1}, {1}).run({1, 1, 1, 4}, {1, 2, 3, 4}), {0, 2, 4});
  for (const char* type : {"ConvolutionDepthwise", "DepthwiseConvolution"}) {
    Case depthwise{type, "convolution_param { kernel_size: 1 bias_term: false }"};
    expectNear(depthwise.blob({2, 1, 1, 1}, {3, 5}).run({1, 2, 1, 1}, {10, 100}), {30, 500});
  }
}

TEST(CaffeConvolution, SaysWhatDoesNotFit) {
  auto convolution = [](const std::string& fields) {
    return Case{"Convolution", "convolution_param { " + fields + " }"};
  };
  EXPECT_TRUE(has(error(convolution("num_output: 3 group: 2 kernel_size: 1"), {1, 2, 2, 2}),
                  "node (Convolution): 2 channels cannot become 3 in 2 groups"));
  EXPECT_TRUE(has(error(convolution("num_output: 1"), {1, 2, 2, 2}), "kernel_size is 0"));
  EXPECT_TRUE(has(error(convolution("num_output: 1 kernel_size: [1, 1, 1]"), {1, 2, 2, 2}), "3 entries, 2"));
  EXPECT_TRUE(
      has(error(convolution("num_output: many kernel_size: 1"), {1, 2, 2, 2}), "num_output is 'many'"));
}

TEST(CaffeDeconvolution, GroupsOfOnesRepeatPixels) {
  Case c{"Deconvolution",
         "convolution_param { num_output: 2 group: 2 kernel_size: 2 stride: 2 bias_term: false }"};
  expectNear(c.blob({2, 1, 2, 2}, std::vector<float>(8, 1)).run({1, 2, 1, 1}, {1, 2}),
             {1, 1, 1, 1, 2, 2, 2, 2});
}

TEST(CaffeInnerProduct, AxisAndTranspose) {
  Case plain{"InnerProduct", "inner_product_param { num_output: 2 }"};
  expectNear(plain.blob({2, 2}, {1, 2, 3, 4}).blob({2}, {0, 1}).run({1, 2}, {1, 10}), {21, 44});
  Case transposed{"InnerProduct", "inner_product_param { num_output: 2 transpose: true bias_term: false }"};
  expectNear(transposed.blob({2, 2}, {1, 2, 3, 4}).run({1, 2}, {1, 10}), {31, 42});
  Case late{"InnerProduct", "inner_product_param { num_output: 1 axis: -1 bias_term: false }"};
  Imported m = late.blob({1, 2}, {1, 10}).run({1, 2, 2}, {1, 2, 3, 4});
  expectNear(m, {21, 43});
  EXPECT_EQ(m.shape(), "1x2x1");
}

TEST(CaffeEmbed, TakesRows) {
  Case c{"Embed", "embed_param { input_dim: 3 num_output: 2 }"};
  c.blob({3, 2}, {0, 1, 10, 11, 20, 21}).blob({2}, {100, 200});
  Imported m = c.run({2, 1}, {2, 0});
  expectNear(m, {120, 221, 100, 201});
  EXPECT_EQ(m.shape(), "2x1x2");
}

TEST(CaffePooling, TheLastWindowHangsOver) {
  auto pool = [](const std::string& fields) {
    return Case{"Pooling", "pooling_param { kernel_h: 1 " + fields + " }"};
  };
  expectNear(pool("pool: MAX kernel_w: 2 stride_h: 1 stride_w: 2").run({1, 1, 1, 5}), {1, 3, 4});
  expectNear(pool("kernel_w: 2 stride_h: 1 stride_w: 2 round_mode: FLOOR").run({1, 1, 1, 5}), {1, 3});
  expectNear(pool("pool: AVE kernel_w: 2 stride_h: 1 stride_w: 2").run({1, 1, 1, 3}, {1, 2, 3}), {1.5f, 3});
  // Averages count the padding, but not what lies behind it.
  const std::string padded = "pool: AVE kernel_w: 3 stride_h: 1 pad_h: 0 pad_w: 1 ";
  expectNear(pool(padded + "stride_w: 1").run({1, 1, 1, 3}, {1, 2, 3}), {1, 2, 5.0f / 3});
  expectNear(pool(padded + "stride_w: 2").run({1, 1, 1, 4}, {1, 2, 3, 4}), {1, 3, 2});
  // A window that would start behind input and padding is dropped.
  expectNear(pool("kernel_w: 3 stride_h: 1 stride_w: 3 pad_h: 0 pad_w: 1").run({1, 1, 1, 5}), {1, 4});
}

TEST(CaffePooling, GlobalAndInvalid) {
  expectNear(Case{"Pooling", "pooling_param { pool: AVE global_pooling: true }"}.run({1, 2, 2, 1}),
             {0.5f, 2.5f});
  expectNear(Case{"Pooling", "pooling_param { global_pooling: true }"}.run({1, 2, 2, 1}), {1, 3});
  EXPECT_TRUE(
      has(error({"Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }"}, {1, 1, 4, 4}), "training"));
  EXPECT_TRUE(has(error({"Pooling", "pooling_param { kernel_size: 9 }"}, {1, 1, 4, 4}), "does not fit"));
  EXPECT_TRUE(has(error({"Pooling", "pooling_param { kernel_size: 1 stride: 3 }"}, {1, 1, 5, 5}),
                  "behind the input"));
  EXPECT_TRUE(
      has(error({"Pooling", "pooling_param { kernel_size: 1 pad: 1 }"}, {1, 1, 5, 5}), "not smaller"));
}

TEST(CaffePooling, PlacesOfMaximaScatterBack) {
  Files f;
  f.text =
      inputLayer("x", {1, 2, 1, 4}) +
      "layer { name: 'p' type: 'Pooling' bottom: 'x' top: 'p' top: 'mask' pooling_param { pool: MAX "
      "kernel_h: 1 "
      "kernel_w: 2 stride_h: 1 stride_w: 2 } }\n"
      "layer { name: 'u' type: 'Upsample' bottom: 'p' bottom: 'mask' top: 'u' upsample_param { upsample_h: 1 "
      "upsample_w: 4 } }\n";
  ImportOptions options;
  options.boundInputs["x"] = boundFloats({1, 2, 1, 4}, {1, 2, 4, 3, 9, 8, 6, 7});
  expectNear(f.import(options), {0, 2, 4, 0, 9, 0, 0, 7});
}

TEST(CaffeActivation, Functions) {
  auto run = [](const std::string& type, const std::string& fields, float x) {
    return Case{type, fields}.run({1, 1}, {x});
  };
  expectNear(run("ReLU", "", -2), {0});
  expectNear(run("ReLU", "relu_param { negative_slope: 0.25 }", -2), {-0.5f});
  expectNear(run("ReLU6", "", 9), {6});
  expectNear(run("Clip", "clip_param { min: -1 max: 2 }", -9), {-1});
  expectNear(run("ELU", "elu_param { alpha: 2 }", -1), {2 * (std::exp(-1.0f) - 1)});
  expectNear(run("Sigmoid", "", 1), {1 / (1 + std::exp(-1.0f))});
  expectNear(run("TanH", "", 1), {std::tanh(1.0f)});
  expectNear(run("AbsVal", "", -3), {3});
  expectNear(run("BNLL", "", 0), {std::log(2.0f)});
  expectNear(run("Swish", "swish_param { beta: 2 }", 1), {1 / (1 + std::exp(-2.0f))});
  expectNear(run("Swish", "", 1), {1 / (1 + std::exp(-1.0f))});
  expectNear(run("Threshold", "threshold_param { threshold: 1 }", 1), {0});
  expectNear(run("Threshold", "threshold_param { threshold: 1 }", 1.5f), {1});
  expectNear(run("Dropout", "dropout_param { dropout_ratio: 0.5 }", 3), {3});
  expectNear(run("Power", "power_param { power: 3 scale: 2 shift: 1 }", 1), {27});
  expectNear(run("Power", "power_param { power: 2 scale: 2 }", 3), {36});
  expectNear(run("Power", "power_param { power: 0.5 }", 9), {3});
  expectNear(run("Exp", "exp_param { base: 2 scale: 2 shift: 1 }", 1), {8}, 1e-4f);
  expectNear(run("Exp", "", 1), {std::exp(1.0f)});
  expectNear(run("Log", "log_param { base: 10 scale: 9 shift: 1 }", 1), {1});
  EXPECT_TRUE(has(run("Log", "log_param { base: 1 }", 1).error(), "base is 1"));
}

TEST(CaffeActivation, SlopesPerChannel) {
  expectNear(Case{"PReLU", ""}.blob({2}, {0.5f, 0.25f}).run({1, 2, 1, 2}, {-1, 1, -4, 4}), {-0.5f, 1, -1, 4});
  expectNear(Case{"PReLU", "prelu_param { channel_shared: true }"}.blob({1}, {0.5f}).run({1, 2}, {-1, -2}),
             {-0.5f, -1});
}

TEST(CaffeEltwise, SumsWithFactors) {
  auto run = [](const std::string& fields) {
    return Case{"Eltwise", fields}.other({2}, {5, 2}).run({2}, {3, 4});
  };
  expectNear(run(""), {8, 6});
  expectNear(run("eltwise_param { coeff: 2 coeff: -1 }"), {1, 6});
  expectNear(run("eltwise_param { operation: PROD stable_prod_grad: false }"), {15, 8});
  expectNear(run("eltwise_param { operation: 2 }"), {5, 4});
  EXPECT_TRUE(has(run("eltwise_param { coeff: 2 }").error(), "one entry per bottom"));
  EXPECT_TRUE(has(Case{"Eltwise", ""}.other({3}, {0, 0, 0}).run({2}).error(), "the shapes 2 and 3"));
}

TEST(CaffeScale, LearnedOrGiven) {
  Case learned{"Scale", "scale_param { bias_term: true }"};
  expectNear(learned.blob({2}, {2, 3}).blob({2}, {10, 20}).run({1, 2, 1, 2}), {10, 12, 26, 29});
  Case all{"Scale", "scale_param { axis: 0 num_axes: -1 }"};
  expectNear(all.blob({1, 2}, {2, 3}).run({1, 2}, {5, 7}), {10, 21});
  Case single{"Scale", "scale_param { num_axes: 0 }"};
  expectNear(single.blob({1}, {2}).run({1, 2}, {5, 7}), {10, 14});
  Case given{"Scale", "scale_param { axis: 0 }"};
  expectNear(given.other({2}, {2, 3}).run({2, 2}), {0, 2, 6, 9});
  expectNear(Case{"Bias", ""}.blob({2}, {2, 3}).run({1, 2}, {5, 7}), {7, 10});
  EXPECT_TRUE(
      has(Case{"Scale", ""}.other({2, 2, 2}, counting(8)).run({1, 2}).error(), "does not fit at axis 1"));
}

TEST(CaffeAxpy, ScalesChannelsAndAdds) {
  Case c{"Axpy", ""};
  c.other({1, 2, 1, 2}, {1, 2, 3, 4}).other({1, 2, 1, 2}, {10, 20, 30, 40});
  expectNear(c.run({1, 2, 1, 1}, {2, 3}), {12, 24, 39, 52});
}

TEST(CaffeBatchNorm, DividesTheStoredSums) {
  Case c{"BatchNorm", "batch_norm_param { eps: 0 }"};
  c.blob({1}, {4}).blob({1}, {8}).blob({1}, {2});
  expectNear(c.run({1, 1, 1, 2}, {2, 6}), {0, 2});
  Case unused{"BatchNorm", "batch_norm_param { eps: 1 }"}; // a weight of 0 makes mean and variance 0
  expectNear(unused.blob({1}, {4}).blob({1}, {8}).blob({1}, {0}).run({1, 1, 1, 2}, {2, 6}), {2, 6});
  Case batch{"BatchNorm", "batch_norm_param { eps: 0 use_global_stats: false }"};
  expectNear(batch.run({1, 1, 1, 2}, {1, 3}), {-1, 1});
}

TEST(CaffeNormalization, WindowsAndNorms) {
  Case across{"LRN", "lrn_param { local_size: 3 alpha: 3 beta: 1 }"};
  expectNear(across.run({1, 3, 1, 1}, {1, 2, 3}), {1.0f / 6, 2.0f / 15, 3.0f / 14});
  Case within{"LRN", "lrn_param { local_size: 3 alpha: 9 beta: 1 norm_region: WITHIN_CHANNEL }"};
  expectNear(within.run({1, 1, 1, 2}, {1, 2}), {1.0f / 6, 1.0f / 3});
  EXPECT_TRUE(has(error({"LRN", "lrn_param { local_size: 4 }"}, {1, 3, 1, 1}), "has to be odd"));
  expectNear(Case{"MVN", "mvn_param { eps: 1 }"}.run({1, 1, 1, 2}, {1, 3}), {-0.5f, 0.5f});
  expectNear(
      Case{"MVN", "mvn_param { normalize_variance: false across_channels: true }"}.run({1, 2, 1, 1}, {1, 3}),
      {-1, 1});
  Case channels{"Normalize", "norm_param { across_spatial: false channel_shared: false eps: 0 }"};
  expectNear(channels.blob({2}, {10, 20}).run({1, 2, 1, 1}, {3, 4}), {6, 16});
  Case all{"Normalize", "norm_param { eps: 0 }"};
  expectNear(all.blob({1}, {10}).run({1, 1, 1, 2}, {3, 4}), {6, 8});
  expectNear(Case{"Softmax", "softmax_param { axis: 2 }"}.run({1, 2, 2}, {1, 1, 2, 2}),
             {0.5f, 0.5f, 0.5f, 0.5f});
}

TEST(CaffeMovement, ConcatAndSlice) {
  expectNear(Case{"Concat", "concat_param { axis: 0 }"}.other({1, 2}, {7, 8}).run({1, 2}), {0, 1, 7, 8});
  expectNear(Case{"Concat", "concat_param { concat_dim: 1 }"}.other({1, 1}, {7}).run({1, 2}), {0, 1, 7});
  Case halves{"Slice", ""};
  halves.tops = {"a", "b"};
  Imported even = halves.run({1, 4});
  expectNear(even, {0, 1});
  expectNear(even, {2, 3}, 0, 1);
  Case points{"Slice", "slice_param { slice_dim: 1 slice_point: 1 }"};
  points.tops = {"a", "b"};
  expectNear(points.run({1, 3}), {1, 2}, 0, 1);
  points.fields = "slice_param { slice_point: 3 }";
  EXPECT_TRUE(has(points.run({1, 3}).error(), "slice_point is 3"));
  Case split{"Split", ""};
  split.tops = {"a", "b"};
  expectNear(split.run({1, 2}), {0, 1}, 0, 1);
}

TEST(CaffeMovement, Crop) {
  Case c{"Crop", "crop_param { offset: 1 }"};
  c.other({1, 1, 2, 2}, counting(4));
  expectNear(c.run({1, 1, 3, 3}), {4, 5, 7, 8});
  c.fields = "crop_param { axis: 2 offset: 1 offset: 0 }";
  expectNear(c.run({1, 1, 3, 3}), {3, 4, 6, 7});
  c.fields = "crop_param { offset: 2 }";
  EXPECT_TRUE(has(c.run({1, 1, 3, 3}).error(), "2 elements from 2 on are not in an axis of 3"));
}

TEST(CaffeMovement, Shapes) {
  auto shape = [](const std::string& type, const std::string& fields) {
    return Case{type, fields}.graph({2, 3, 4}).shape();
  };
  EXPECT_EQ(shape("Reshape", "reshape_param { shape { dim: 0 dim: -1 } }"), "2x12");
  EXPECT_EQ(shape("Reshape", "reshape_param { shape { dim: 6 dim: 2 } axis: 1 }"), "2x6x2");
  EXPECT_EQ(shape("Reshape", "reshape_param { shape { dim: 6 } num_axes: 2 }"), "6x4");
  EXPECT_EQ(shape("Reshape", "reshape_param { shape { dim: 1 } axis: -1 num_axes: 0 }"), "2x3x4x1");
  EXPECT_EQ(shape("Flatten", ""), "2x12");
  EXPECT_EQ(shape("Flatten", "flatten_param { axis: 0 end_axis: 1 }"), "6x4");
  EXPECT_EQ(shape("Permute", "permute_param { order: 2 }"), "4x2x3");
  EXPECT_EQ(shape("Tile", "tile_param { axis: 2 tiles: 3 }"), "2x3x12");
  EXPECT_TRUE(has(error({"Reshape", "reshape_param { shape { dim: 5 } }"}, {2, 3}), "2x3 cannot become 5"));
  EXPECT_TRUE(
      has(error({"Reshape", "reshape_param { shape { dim: -1 dim: -1 } }"}, {2, 3}), "shape.dim is -1"));
  EXPECT_TRUE(has(error({"Permute", "permute_param { order: 1 order: 1 }"}, {2, 3}), "no permutation"));
}

TEST(CaffeMovement, RowsChannelsAndPixels) {
  expectNear(Case{"BatchReindex", ""}.other({2}, {2, 0}).run({3, 1}, {5, 6, 7}), {7, 5});
  expectNear(Case{"ShuffleChannel", "shuffle_channel_param { group: 2 }"}.run({1, 4, 1, 1}), {0, 2, 1, 3});
  expectNear(Case{"Upsample", "upsample_param { scale: 2 }"}.run({1, 1, 1, 2}), {0, 0, 1, 1, 0, 0, 1, 1});
  expectNear(Case{"Interp", "interp_param { height: 1 width: 3 }"}.run({1, 1, 1, 2}), {0, 0.5f, 1});
  EXPECT_EQ((Case{"Interp", "interp_param { zoom_factor: 2 }"}.graph({1, 1, 3, 2}).shape()), "1x1x5x3");
  EXPECT_EQ((Case{"Interp", "interp_param { shrink_factor: 2 }"}.graph({1, 1, 5, 2}).shape()), "1x1x3x1");
  expectNear(Case{"Interp", "interp_param { pad_beg: -1 pad_end: 0 height: 1 width: 2 }"}.run({1, 1, 2, 3}),
             {4, 5});
  expectNear(Case{"Interp", ""}.other({1, 1, 1, 3}, {0, 0, 0}).run({1, 1, 1, 2}), {0, 0.5f, 1});
}

TEST(CaffeReduction, SumsTrailingAxes) {
  auto run = [](const std::string& operation, const std::string& more = {}) {
    return Case{"Reduction", "reduction_param { operation: " + operation + " axis: 1 " + more + " }"}.run(
        {1, 2}, {-1, 3});
  };
  expectNear(run("SUM"), {2});
  expectNear(run("ASUM"), {4});
  expectNear(run("SUMSQ"), {10});
  expectNear(run("MEAN", "coeff: 5"), {5});
  EXPECT_EQ((Case{"Reduction", ""}.graph({2, 3}).shape()), "scalar");
}

TEST(CaffeArgMax, TheLaterOfEqualValuesWins) {
  Imported m = Case{"ArgMax", ""}.run({1, 3, 1, 1}, {5, 7, 7});
  expectNear(m, {2});
  EXPECT_EQ(m.shape(), "1x1x1x1");
  expectNear(Case{"ArgMax", "argmax_param { top_k: 3 }"}.run({1, 3}, {7, 5, 7}), {2, 0, 1});
  expectNear(Case{"ArgMax", "argmax_param { top_k: 2 out_max_val: true }"}.run({1, 3}, {6, 5, 7}),
             {2, 0, 7, 6});
  expectNear(Case{"ArgMax", "argmax_param { axis: 1 }"}.run({1, 2, 2}, {1, 4, 3, 2}), {1, 0});
  expectNear(Case{"ArgMax", "argmax_param { axis: 1 out_max_val: true }"}.run({1, 2, 2}, {1, 4, 3, 2}),
             {3, 4});
  EXPECT_TRUE(has(error({"ArgMax", "argmax_param { top_k: 4 }"}, {1, 3}), "top_k is 4 of 3"));
}
