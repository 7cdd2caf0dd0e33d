// Operators that move, pick, resize and make data, on small tensors.
#include "lib/import/paddle/test_program.h"

#include <cmath>
#include <limits>

using namespace burin;
using namespace burin::paddle::test;

namespace {
using L = std::vector<int>;
} // namespace

TEST(PaddleMovement, ReshapeFromAttributeTensorAndList) {
  Tensor x = counting({2, 3});
  std::vector<double> all = {0, 1, 2, 3, 4, 5};
  expectValues(run("reshape2", {{"X", {x}}}, {{"shape", L{0, -1, 1}}}), "[2,3,1]", all);
  expectValues(run("reshape2", {{"X", {x}}, {"Shape", {ints({1}, {6})}}}, {{"shape", L{1}}}), "[6]", all);
  expectValues(run("reshape2", {{"X", {x}}, {"ShapeTensor", {ints({1}, {3}), ints({1}, {-1})}}}), "[3,2]",
               all);
  expectValues(run("reshape", {{"X", {x}}}, {{"shape", L{3, 2}}}), "[3,2]", all);
  EXPECT_FALSE(run("reshape2", {{"X", {x}}}, {{"shape", L{-1, -1}}}).ok());
  EXPECT_FALSE(run("reshape2", {{"X", {x}}}, {{"shape", L{4, 2}}}).ok());
}

TEST(PaddleMovement, TransposeFlattenSqueeze) {
  Tensor x = counting({1, 2, 3});
  std::vector<double> all = {0, 1, 2, 3, 4, 5};
  for (const char* type : {"transpose", "transpose2"})
    expectValues(run(type, {{"X", {x}}}, {{"axis", L{2, 0, 1}}}), "[3,1,2]", {0, 3, 1, 4, 2, 5});
  for (const char* type : {"flatten", "flatten2"})
    expectValues(run(type, {{"X", {x}}}, {{"axis", 2}}), "[2,3]", all);
  expectValues(run("flatten_contiguous_range", {{"X", {x}}}, {{"start_axis", 1}, {"stop_axis", -1}}), "[1,6]",
               all);
  for (const char* type : {"squeeze", "squeeze2"}) {
    expectValues(run(type, {{"X", {x}}}), "[2,3]", all);
    expectValues(run(type, {{"X", {x}}}, {{"axes", L{1}}}), "[1,2,3]", all);
  }
  for (const char* type : {"unsqueeze", "unsqueeze2"})
    expectValues(run(type, {{"X", {x}}}, {{"axes", L{0, 4}}}), "[1,1,2,3,1]", all);
}

TEST(PaddleMovement, JoinAndCut) {
  Tensor a = counting({1, 2}), b{{1, 2}, {7, 8}};
  expectValues(run("concat", {{"X", {a, b}}}, {{"axis", 1}}), "[1,4]", {0, 1, 7, 8});
  expectValues(run("concat", {{"X", {a, b}}, {"AxisTensor", {ints({1}, {0})}}}), "[2,2]", {0, 1, 7, 8});
  expectValues(run("stack", {{"X", {a, b}}}, {{"axis", -1}}, {"Y"}), "[1,2,2]", {0, 7, 1, 8});
  expectValues(run("unstack", {{"X", {counting({2, 2})}}}, {{"axis", 0}}, {"Y", "Y"}), "[2]", {2, 3}, 1);
  expectValues(run("unbind", {{"X", {counting({2, 2})}}}, {{"axis", 1}}, {"Out", "Out"}), "[2]", {1, 3}, 1);
  Tensor five = counting({5});
  expectValues(run("split", {{"X", {counting({4})}}}, {{"num", 2}}, {"Out", "Out"}), "[2]", {2, 3}, 1);
  expectValues(run("split", {{"X", {five}}}, {{"sections", L{2, -1}}}, {"Out", "Out"}), "[3]", {2, 3, 4}, 1);
  EXPECT_FALSE(run("split", {{"X", {five}}}, {{"num", 2}}, {"Out", "Out"}).ok());
}

TEST(PaddleMovement, SlicesClampAndDropAxes) {
  Tensor x = counting({2, 4});
  expectValues(run("slice", {{"Input", {x}}}, {{"axes", L{1}}, {"starts", L{-3}}, {"ends", L{100}}}), "[2,3]",
               {1, 2, 3, 5, 6, 7});
  expectValues(run("slice", {{"Input", {x}}},
                   {{"axes", L{0}}, {"starts", L{1}}, {"ends", L{2}}, {"decrease_axis", L{0}}}),
               "[4]", {4, 5, 6, 7});
  expectValues(run("slice", {{"Input", {counting({3})}}},
                   {{"axes", L{0}}, {"starts", L{1}}, {"ends", L{2}}, {"decrease_axis", L{0}}}),
               "[1]", {1});
  expectValues(run("strided_slice", {{"Input", {x}}},
                   {{"axes", L{1}}, {"starts", L{-1}}, {"ends", L{-5}}, {"strides", L{-2}}}),
               "[2,2]", {3, 1, 7, 5});
  expectValues(run("strided_slice", {{"Input", {x}}, {"StartsTensor", {ints({1}, {1})}}},
                   {{"axes", L{1}}, {"ends", L{4}}, {"strides", L{2}}}),
               "[2,2]", {1, 3, 5, 7});
}

TEST(PaddleMovement, RepeatFlipRoll) {
  Tensor x{{1, 2}, {1, 2}};
  expectValues(run("expand_v2", {{"X", {x}}}, {{"shape", L{2, 2, -1}}}), "[2,2,2]", {1, 2, 1, 2, 1, 2, 1, 2});
  expectValues(run("expand_as_v2", {{"X", {x}}}, {{"target_shape", L{2, 2}}}), "[2,2]", {1, 2, 1, 2});
  expectValues(run("expand", {{"X", {x}}}, {{"expand_times", L{2, 1}}}), "[2,2]", {1, 2, 1, 2});
  expectValues(run("tile", {{"X", {x}}}, {{"repeat_times", L{2}}}), "[1,4]", {1, 2, 1, 2});
  expectValues(run("flip", {{"X", {x}}}, {{"axis", L{1}}}), "[1,2]", {2, 1});
  expectValues(run("roll", {{"X", {counting({2, 3})}}}, {{"axis", L{1}}, {"shifts", L{1}}}), "[2,3]",
               {2, 0, 1, 5, 3, 4});
  expectValues(run("roll", {{"X", {counting({4})}}}, {{"shifts", L{-1}}}), "[4]", {1, 2, 3, 0});
}

TEST(PaddleMovement, PadsInTheirThreeOrders) {
  Tensor x = counting({1, 1, 1, 2});
  expectValues(run("pad2d", {{"X", {x}}}, {{"paddings", L{1, 0, 0, 1}}, {"pad_value", 9.0f}}), "[1,1,2,3]",
               {9, 9, 9, 0, 1, 9});
  expectValues(run("pad2d", {{"X", {x}}}, {{"paddings", L{0, 0, 1, 1}}, {"mode", std::string("reflect")}}),
               "[1,1,1,4]", {1, 0, 1, 0});
  Tensor deep = counting({1, 1, 1, 1, 2});
  expectValues(run("pad3d", {{"X", {deep}}}, {{"paddings", L{1, 0, 0, 1, 0, 0}}, {"value", 9.0f}}),
               "[1,1,1,2,3]", {9, 0, 1, 9, 9, 9});
  expectValues(
      run("pad3d", {{"X", {deep}}}, {{"paddings", L{1, 1, 0, 0, 0, 0}}, {"mode", std::string("replicate")}}),
      "[1,1,1,1,4]", {0, 0, 1, 1});
  expectValues(
      run("pad3d", {{"X", {deep}}}, {{"paddings", L{1, 0, 0, 0, 0, 0}}, {"mode", std::string("circular")}}),
      "[1,1,1,1,3]", {1, 0, 1});
  expectValues(run("pad", {{"X", {counting({1, 2})}}}, {{"paddings", L{0, 1, 1, 0}}, {"pad_value", 5.0f}}),
               "[2,3]", {5, 0, 1, 5, 5, 5});
}

TEST(PaddleMovement, ChannelsAndPixels) {
  Tensor x = counting({1, 4, 1, 1});
  expectValues(run("pixel_shuffle", {{"X", {x}}}, {{"upscale_factor", 2}}), "[1,1,2,2]", {0, 1, 2, 3});
  expectValues(run("space_to_depth", {{"X", {counting({1, 1, 2, 2})}}}, {{"blocksize", 2}}), "[1,4,1,1]",
               {0, 1, 2, 3});
  expectValues(run("shuffle_channel", {{"X", {x}}}, {{"group", 2}}), "[1,4,1,1]", {0, 2, 1, 3});
  expectValues(run("channel_shuffle", {{"X", {x}}}, {{"groups", 2}}), "[1,4,1,1]", {0, 2, 1, 3});
}

TEST(PaddleIndex, GathersAndScatters) {
  Tensor x = counting({3, 2});
  expectValues(run("gather", {{"X", {x}}, {"Index", {ints({2, 1}, {2, 0})}}}), "[2,2]", {4, 5, 0, 1});
  expectValues(run("gather", {{"X", {x}}, {"Index", {ints({1}, {1})}}, {"Axis", {ints({1}, {1})}}}), "[3,1]",
               {1, 3, 5});
  expectValues(run("gather_nd", {{"X", {x}}, {"Index", {ints({2, 2}, {0, 1, 2, 0})}}}), "[2]", {1, 4});
  expectValues(run("take_along_axis", {{"Input", {x}}, {"Index", {ints({3, 1}, {1, 0, 1})}}}, {{"Axis", 1}},
                   {"Result"}),
               "[3,1]", {1, 2, 5});
  expectValues(run("index_select", {{"X", {x}}, {"Index", {ints({2}, {1, 1})}}}, {{"dim", 0}}), "[2,2]",
               {2, 3, 2, 3});
  expectValues(run("lookup_table", {{"W", {x}}, {"Ids", {ints({2, 1}, {2, 1})}}}), "[2,2]", {4, 5, 2, 3});
  expectValues(run("lookup_table_v2", {{"W", {x}}, {"Ids", {ints({1, 2}, {2, 1})}}}, {{"padding_idx", 2}}),
               "[1,2,2]", {0, 0, 2, 3});
  expectValues(run("one_hot", {{"X", {ints({2, 1}, {1, 0})}}}, {{"depth", 2}}), "[2,2]", {0, 1, 1, 0});
  expectValues(run("one_hot_v2", {{"X", {ints({2}, {1, 0})}}}, {{"depth", 2}}), "[2,2]", {0, 1, 1, 0});
  Tensor updates{{2, 2}, {10, 10, 20, 20}};
  Slots scatter = {{"X", {x}}, {"Ids", {ints({2}, {1, 1})}}, {"Updates", {updates}}};
  expectValues(run("scatter", scatter, {{"overwrite", false}}), "[3,2]", {0, 1, 30, 30, 4, 5});
  scatter[1].second[0] = ints({2}, {2, 0});
  expectValues(run("scatter", scatter), "[3,2]", {20, 20, 2, 3, 10, 10});
  expectValues(
      run("scatter_nd_add", {{"X", {x}}, {"Index", {ints({1, 1}, {1})}}, {"Updates", {{{1, 2}, {1, 1}}}}}),
      "[3,2]", {0, 1, 3, 4, 4, 5});
}

TEST(PaddleConstant, FillsRangesShapes) {
  Tensor x = counting({2, 3});
  expectValues(run("fill_constant", {}, {{"shape", L{2}}, {"value", 1.5f}, {"dtype", int(VarType::FP32)}}),
               "[2]", {1.5, 1.5});
  expectValues(run("fill_constant", {{"ShapeTensor", {ints({1}, {1})}}},
                   {{"str_value", std::string("16777217")}, {"dtype", int(VarType::INT64)}}),
               "[1]", {16777217});
  expectValues(
      run("fill_constant", {{"ValueTensor", {{{1}, {4}}}}}, {{"shape", L{2}}, {"dtype", int(VarType::FP32)}}),
      "[2]", {4, 4});
  expectValues(run("fill_constant_batch_size_like", {{"Input", {x}}},
                   {{"shape", L{-1, 1}}, {"value", 3.0f}, {"dtype", int(VarType::FP32)}}),
               "[2,1]", {3, 3});
  expectValues(run("fill_any_like", {{"X", {x}}}, {{"value", 2.0f}, {"dtype", -1}}), "[2,3]",
               {2, 2, 2, 2, 2, 2});
  expectValues(run("fill_zeros_like", {{"X", {counting({2})}}}), "[2]", {0, 0});
  expectValues(
      run("assign_value", {},
          {{"shape", L{2}}, {"dtype", int(VarType::FP32)}, {"fp32_values", std::vector{1.5f, 2.5f}}}),
      "[2]", {1.5, 2.5});
  expectValues(run("assign_value", {},
                   {{"shape", L{1, 2}}, {"dtype", int(VarType::INT32)}, {"int32_values", L{3, 4}}}),
               "[1,2]", {3, 4});
  expectValues(run("shape", {{"Input", {x}}}), "[2]", {2, 3});
  expectValues(run("size", {{"Input", {x}}}), "[]", {6});
  expectValues(run("range", {{"Start", {{{1}, {1}}}}, {"End", {{{1}, {2}}}}, {"Step", {{{1}, {0.5}}}}}),
               "[2]", {1, 1.5});
  expectValues(
      run("range", {{"Start", {ints({1}, {5})}}, {"End", {ints({1}, {0})}}, {"Step", {ints({1}, {-2})}}}),
      "[3]", {5, 3, 1});
  Tensor huge{{1}, {1e30}};
  EXPECT_TRUE(burin::test::has(run("reshape2", {{"X", {counting({2})}}, {"ShapeTensor", {huge}}}).error(),
                               "is no integer"));
  EXPECT_FALSE(
      run("range", {{"Start", {ints({1}, {0})}}, {"End", {ints({1}, {5})}}, {"Step", {ints({1}, {0})}}})
          .ok());
  expectValues(run("linspace", {{"Start", {{{1}, {0}}}}, {"Stop", {{{1}, {1}}}}, {"Num", {ints({1}, {5})}}}),
               "[5]", {0, 0.25, 0.5, 0.75, 1});
  auto grids = run("meshgrid", {{"X", {counting({2}), counting({3})}}}, {}, {"Out", "Out"});
  expectValues(grids, "[2,3]", {0, 0, 0, 1, 1, 1});
  expectValues(grids, "[2,3]", {0, 1, 2, 0, 1, 2}, 1);
  expectValues(run("tril_triu", {{"X", {counting({2, 2})}}}, {{"lower", true}}), "[2,2]", {0, 0, 2, 3});
}

TEST(PaddleConstant, HostileSizesAreErrors) {
  EXPECT_FALSE(run("fill_constant", {}, {{"shape", L{2000000000, 2000000000}}, {"value", 1.0f}}).ok());
  EXPECT_FALSE(run("fill_constant", {}, {{"shape", L{-1}}, {"value", 1.0f}}).ok());
  for (float value :
       {std::numeric_limits<float>::quiet_NaN(), 1e30f, -std::numeric_limits<float>::infinity()})
    EXPECT_FALSE(
        run("fill_constant", {}, {{"shape", L{2}}, {"value", value}, {"dtype", int(VarType::INT64)}}).ok());
  EXPECT_FALSE(
      run("range", {{"Start", {{{1}, {0}}}}, {"End", {{{1}, {1e30}}}}, {"Step", {{{1}, {1}}}}}).ok());
  EXPECT_FALSE(run("tile", {{"X", {counting({2})}}}, {{"repeat_times", L{-1}}}).ok());
}

TEST(PaddleResize, CornersModesAndSizes) {
  Tensor x = counting({1, 1, 1, 2});
  Attributes size = {{"out_h", 1}, {"out_w", 4}, {"align_corners", false}};
  expectValues(run("nearest_interp", {{"X", {x}}}, size), "[1,1,1,4]", {0, 0, 1, 1});
  size["align_mode"] = 0;
  expectValues(run("bilinear_interp_v2", {{"X", {x}}}, size), "[1,1,1,4]", {0, 0.25, 0.75, 1});
  size["align_mode"] = 1;
  expectValues(run("bilinear_interp", {{"X", {x}}}, size), "[1,1,1,4]", {0, 0.5, 1, 1});
  size["align_corners"] = true;
  expectValues(run("bilinear_interp_v2", {{"X", {x}}}, size), "[1,1,1,4]", {0, 1.0 / 3, 2.0 / 3, 1});
  expectValues(
      run("nearest_interp_v2", {{"X", {x}}}, {{"scale", std::vector{1.0f, 2.0f}}, {"align_corners", false}}),
      "[1,1,1,4]", {0, 0, 1, 1});
  expectValues(run("nearest_interp_v2", {{"X", {x}}, {"OutSize", {ints({2}, {2, 2}, VarType::INT32)}}}, size),
               "[1,1,2,2]", {0, 1, 0, 1});
  expectValues(run("nearest_interp", {{"X", {x}}}, {{"scale", 2.0f}, {"align_corners", false}}), "[1,1,2,4]",
               {0, 0, 1, 1, 0, 0, 1, 1});
  // Corners: 0, 1/3 -> 0, 2/3 -> 1, 1.
  expectValues(run("nearest_interp", {{"X", {x}}}, {{"out_h", 1}, {"out_w", 4}, {"align_corners", true}}),
               "[1,1,1,4]", {0, 0, 1, 1});
  Tensor line = counting({1, 1, 2});
  for (const char* type : {"linear_interp", "linear_interp_v2"})
    expectValues(run(type, {{"X", {line}}}, {{"out_w", 3}, {"align_corners", true}}), "[1,1,3]", {0, 0.5, 1});
  Tensor cube = counting({1, 1, 1, 1, 2});
  for (const char* type : {"trilinear_interp", "trilinear_interp_v2"})
    expectValues(
        run(type, {{"X", {cube}}}, {{"out_d", 1}, {"out_h", 1}, {"out_w", 3}, {"align_corners", true}}),
        "[1,1,1,1,3]", {0, 0.5, 1});
  for (const char* type : {"bicubic_interp", "bicubic_interp_v2"})
    expectValues(
        run(type, {{"X", {counting({1, 1, 1, 4})}}}, {{"out_h", 1}, {"out_w", 7}, {"align_corners", true}}),
        "[1,1,1,7]", {0, 0.40625, 1, 1.5, 2, 2.59375, 3});
  EXPECT_FALSE(run("nearest_interp", {{"X", {x}}}, {{"align_corners", false}}).ok());
}

TEST(PaddleResize, GridSample) {
  Tensor x = counting({1, 1, 1, 3}), grid{{1, 1, 2, 2}, {0, 0, 0.5, 0}};
  expectValues(run("grid_sampler", {{"X", {x}}, {"Grid", {grid}}},
                   {{"align_corners", true}, {"padding_mode", std::string("border")}}, {"Output"}),
               "[1,1,1,2]", {1, 1.5});
}
