// Every kind of float op there and back.
#include "lib/export/onnx_graph.h"
#include "lib/export/round_trip.h"
#include "lib/quantize/as_is.h"

#include <set>

namespace burin::onnx_export::test {
namespace {

using A = nn::AttrList;
using rt::DType;
constexpr double kNear = 2e-6; // written with several ops, or in another order

Case::Attributes window(std::vector<int64_t> strides, std::vector<int64_t> dilations,
                        std::vector<int64_t> pads, int64_t groups) {
  return [=](A a) {
    return a.ints("strides", strides).ints("dilations", dilations).ints("pads", pads).i("groups", groups);
  };
}

TEST(ExportFloat, Convolutions) {
  Case("conv", window({1, 2}, {2, 1}, {1, 0, 2, 1}, 2)).in({2, 4, 7, 6}).in({6, 2, 3, 2}).in({6}).roundTrip();
  Case("conv", window({2}, {1}, {1, 1}, 4)).in({1, 4, 9}).in({4, 1, 3}).none().roundTrip();
  Case("conv", window({1, 1, 1}, {1, 1, 1}, {0, 0, 0, 0, 0, 0}, 1))
      .in({1, 2, 3, 4, 3})
      .in({3, 2, 2, 2, 2})
      .none()
      .roundTrip();
  auto clamped = [](A a) { return window({1, 1}, {1, 1}, {0, 0, 0, 0}, 1)(a).f("lo", -0.5f).f("hi", 1.5f); };
  Case("conv", clamped).in({1, 3, 4, 4}).in({2, 3, 1, 1}).in({2}).roundTrip();
  auto relu = [](A a) { return window({1, 1}, {1, 1}, {0, 0, 0, 0}, 1)(a).f("lo", 0); };
  Case("conv", relu).in({1, 3, 4, 4}).in({2, 3, 1, 1}).none().roundTrip();
}

TEST(ExportFloat, TransposedConvolutions) {
  auto shape = [](int64_t groups) {
    return [=](A a) { return window({2, 3}, {1, 2}, {1, 0, 0, 1}, groups)(a).ints("output_pads", {1, 2}); };
  };
  Case("conv_transpose", shape(1)).in({1, 4, 3, 4}).in({4, 3, 3, 2}).in({3}).roundTrip();
  Case("conv_transpose", shape(2)).in({1, 4, 3, 4}).in({4, 3, 3, 2}).none().roundTrip();
}

TEST(ExportFloat, MatrixProducts) {
  Case("matmul").in({3, 4}).in({4, 5}).none().roundTrip();
  Case("matmul", [](A a) { return a.b("trans_a", true).b("trans_b", true); })
      .in({4, 3})
      .in({5, 4})
      .in({5})
      .roundTrip(kNear);
  Case("matmul", [](A a) { return a.b("trans_b", true).f("lo", 0).f("hi", 1); })
      .in({2, 3, 4})
      .in({2, 5, 4})
      .in({5})
      .roundTrip(kNear);
  Case("matmul").in({2, 1, 3, 4}).in({5, 4, 2}).none().roundTrip();
  Case("matmul")
      .typed<int32_t>(DType::I32, {2, 2}, {1, 2, 3, 4})
      .typed<int32_t>(DType::I32, {2, 2}, {5, 6, 7, 8})
      .none()
      .roundTrip();
}

struct Window {
  std::vector<int64_t> kernel, strides, dilations, pads, sizes;
  Case::Attributes with(std::function<A(A)> more = [](A a) { return a; }) const {
    return [*this, more](A a) {
      return more(a.ints("kernel", kernel)
                      .ints("strides", strides)
                      .ints("dilations", dilations)
                      .ints("pads", pads)
                      .ints("sizes", sizes));
    };
  }
};
const rt::Shape kPlane = {1, 2, 7, 7};
const Window kWindows[] = {
    {{3, 2}, {2, 1}, {1, 1}, {1, 0, 1, 0}, {4, 6}}, // as ONNX counts
    {{3, 3}, {2, 3}, {1, 1}, {0, 0, 0, 0}, {3, 3}}, // the last window reaches beyond the end
    {{2, 2}, {1, 1}, {1, 1}, {0, 1, 0, 0}, {5, 4}}, // rows and columns are left over
};
const Window kDilated = {{2, 2}, {1, 2}, {2, 3}, {1, 1, 0, 0}, {6, 3}};

TEST(ExportFloat, Pooling) {
  auto counted = [](A a) { return a.b("count_include_pad", true); };
  auto cubes = [](A a) { return a.i("p", 3); };
  for (const Window& w : kWindows) {
    Case("max_pool", w.with()).in(kPlane).roundTrip();
    Case("avg_pool", w.with()).in(kPlane).roundTrip();
    Case("avg_pool", w.with(counted)).in(kPlane).roundTrip();
    Case("lp_pool", w.with(cubes)).in(kPlane).roundTrip();
  }
  Case("max_pool", kDilated.with()).in(kPlane).roundTrip();
  Case("avg_pool", kDilated.with()).in(kPlane).roundTrip();
  Case("avg_pool", kDilated.with(counted)).in(kPlane).roundTrip();
  Case("lp_pool", kDilated.with(cubes)).in(kPlane).roundTrip();
  Case("max_pool_index", kWindows[0].with()).in(kPlane).roundTrip();
  Case("max_pool_index", kWindows[1].with([](A a) { return a.b("column_major", true); }))
      .in(kPlane)
      .roundTrip();
  Case("max_unpool", [](A a) { return a.ints("sizes", {1, 1, 2, 3}); })
      .in({1, 1, 1, 2})
      .ints({1, 1, 1, 2}, {5, 0})
      .roundTrip();
}

TEST(ExportFloat, Normalisations) {
  auto epsilon = [](A a) { return a.f("epsilon", 1e-3f); };
  Case("batch_norm", epsilon).in({2, 3, 4}).in({3}).in({3}).in({3}).in({3}, 0.5f, 2).roundTrip(kNear);
  auto layer = [](int64_t axis, bool rms) {
    return [=](A a) { return a.i("axis", axis).f("epsilon", 1e-3f).b("rms", rms); };
  };
  for (bool rms : {false, true}) {
    Case("layer_norm", layer(1, rms)).in({2, 3, 4}).in({3, 4}).in({3, 4}).roundTrip(kNear);
    Case("layer_norm", layer(2, rms)).in({2, 3, 4}).none().none().roundTrip(kNear);
    Case("layer_norm", layer(1, rms)).in({2, 3, 4}).in({4}).none().roundTrip(kNear); // the scale is broadcast
    Case("layer_norm", layer(1, rms)).in({2, 3, 4}).none().in({3, 1}).roundTrip(kNear);
  }
  auto groups = [](int64_t n) { return [=](A a) { return a.i("groups", n).f("epsilon", 1e-3f); }; };
  Case("group_norm", groups(2)).in({2, 4, 3, 3}).in({4}).in({4}).roundTrip(kNear);
  Case("group_norm", groups(4)).in({1, 4, 5}).none().in({4}).roundTrip(kNear);
  Case("group_norm", groups(2)).in({0, 4, 5}).in({4}).none().roundTrip();
  Case("lrn", [](A a) { return a.i("size", 3).f("alpha", 0.3f).f("beta", 0.75f).f("bias", 2); })
      .in({1, 5, 2, 2})
      .roundTrip();
  for (bool log : {false, true})
    Case("softmax", [=](A a) { return a.i("axis", 1).b("log", log); }).in({2, 5, 3}).roundTrip();
}

TEST(ExportFloat, FunctionsOfOneElement) {
  const char* names[] = {"relu",     "sigmoid",  "hard_swish", "silu",      "mish",      "tanh",
                         "softplus", "softsign", "gelu",       "gelu_tanh", "exp",       "neg",
                         "abs",      "ceil",     "floor",      "round",     "sign",      "erf",
                         "sin",      "cos",      "tan",        "asinh",     "atan",      "sinh",
                         "cosh",     "identity", "square",     "is_nan",    "reciprocal"};
  for (const char* fn : names)
    Case("unary", [=](A a) { return a.s("fn", fn); }).in({3, 11}, -3, 3).roundTrip(kNear);
  for (const char* fn : {"asin", "acos", "atanh"})
    Case("unary", [=](A a) { return a.s("fn", fn); }).in({30}, -0.9f, 0.9f).roundTrip();
  for (const char* fn : {"log", "sqrt", "rsqrt", "acosh"})
    Case("unary", [=](A a) { return a.s("fn", fn); }).in({30}, 1.1f, 9).roundTrip(kNear);
  for (const char* fn : {"leaky_relu", "elu", "celu", "thresholded_relu"})
    Case("unary", [=](A a) { return a.s("fn", fn).f("alpha", 0.3f); }).in({30}).roundTrip(kNear);
  for (const char* fn : {"selu", "hard_sigmoid", "shrink", "clip"})
    Case("unary", [=](A a) { return a.s("fn", fn).f("alpha", 0.3f).f("beta", 0.9f); })
        .in({30})
        .roundTrip(kNear);
  Case("unary", [](A a) { return a.s("fn", "clip").f("beta", 0.5f); }).in({30}).roundTrip();
  const float infinity = INFINITY;
  Case("unary", [](A a) { return a.s("fn", "is_inf").f("alpha", 0).f("beta", 1); })
      .values({4}, {-infinity, infinity, NAN, 1})
      .roundTrip();
  Case("unary", [](A a) { return a.s("fn", "not"); }).typed<uint8_t>(DType::Bool, {2}, {0, 1}).roundTrip();
  Case("unary", [](A a) { return a.s("fn", "bit_not"); })
      .typed<int32_t>(DType::I32, {2}, {5, -1})
      .roundTrip();
  Case("unary", [](A a) { return a.s("fn", "clip").f("alpha", -3).f("beta", 4); })
      .ints({4}, {-9, -2, 3, 9})
      .roundTrip();
}

TEST(ExportFloat, FunctionsOfTwoElements) {
  for (const char* fn : {"add", "sub", "mul", "div", "min", "max", "mod", "fmod", "prelu", "equal", "less",
                         "greater", "less_equal", "greater_equal"})
    Case("binary", [=](A a) { return a.s("fn", fn); }).in({2, 3, 4}).in({3, 1}, -1, 3).roundTrip(kNear);
  Case("binary", [](A a) { return a.s("fn", "pow"); }).in({6}, 0.1f, 3).in({6}).roundTrip();
  Case("binary", [](A a) { return a.s("fn", "prelu"); })
      .in({3, 1})
      .in({2, 3, 4})
      .roundTrip(); // the slope is the larger one
  Case("binary", [](A a) { return a.s("fn", "add").f("lo", 0).f("hi", 2); }).in({2, 3}).in({3}).roundTrip();
  for (const char* fn : {"and", "or", "xor"})
    Case("binary", [=](A a) { return a.s("fn", fn); })
        .typed<uint8_t>(DType::Bool, {4}, {0, 1, 0, 1})
        .typed<uint8_t>(DType::Bool, {4}, {0, 0, 1, 1})
        .roundTrip();
  for (const char* fn : {"bit_and", "bit_or", "bit_xor", "shift_left", "shift_right", "div", "mod", "add"})
    Case("binary", [=](A a) { return a.s("fn", fn); })
        .typed<uint32_t>(DType::U32, {3}, {97, 5, 200})
        .typed<uint32_t>(DType::U32, {3}, {3, 2, 7})
        .roundTrip();
  Case("binary", [](A a) { return a.s("fn", "mod"); })
      .ints({4}, {-7, 7, -7, 7})
      .ints({4}, {3, 3, -3, -3})
      .roundTrip();
  Case("select").typed<uint8_t>(DType::Bool, {3}, {0, 1, 0}).in({2, 3}).in({1}).roundTrip();
}

TEST(ExportFloat, ElementTypes) {
  for (const char* to : {"f16", "bf16", "i8", "i32", "i64", "bool"})
    Case("cast", [=](A a) { return a.s("to", to); }).in({12}, -3, 3).roundTrip();
  Case("cast", [](A a) { return a.s("to", "u8"); }).in({12}, 0, 9).roundTrip();
  // Constants that an op needs besides its operands have its element type.
  const std::vector<uint16_t> halves = {0x3c00, 0xbc00, 0x4200, 0x3800}; // 1, -1, 3, 0.5
  for (const char* fn : {"gelu", "clip", "silu"})
    Case("unary", [=](A a) { return a.s("fn", fn).f("alpha", -0.5f).f("beta", 2); })
        .typed<uint16_t>(DType::F16, {4}, halves)
        .roundTrip(2e-3);
}

TEST(ExportFloat, Reductions) {
  for (const char* fn :
       {"sum", "mean", "max", "min", "prod", "l1", "l2", "log_sum", "log_sum_exp", "sum_square"})
    for (bool keep : {false, true})
      Case("reduce", [=](A a) { return a.s("fn", fn).ints("axes", {0, 2}).b("keep_dims", keep); })
          .in({2, 3, 4}, 0.1f, 2)
          .roundTrip();
  Case("reduce", [](A a) { return a.s("fn", "mean").ints("axes", {2, 3}).b("keep_dims", true); })
      .in({1, 3, 4, 4})
      .roundTrip(kNear);
  Case("reduce", [](A a) { return a.s("fn", "sum").ints("axes", {}).b("keep_dims", true); })
      .in({2, 3})
      .roundTrip();
  Case("reduce", [](A a) { return a.s("fn", "max").ints("axes", {1}).b("keep_dims", false); })
      .ints({2, 2}, {4, 3, 1, 8})
      .roundTrip();
  for (const char* fn : {"max", "min"})
    for (bool last : {false, true})
      Case("arg_reduce",
           [=](A a) { return a.s("fn", fn).i("axis", 1).b("keep_dims", last).b("select_last", last); })
          .values({2, 3}, {1, 5, 5, 2, 2, 7})
          .roundTrip();
  Case("cumsum", [](A a) { return a.i("axis", 1).b("exclusive", true).b("reverse", true); })
      .in({2, 5})
      .roundTrip();
  for (bool largest : {false, true})
    Case("topk", [=](A a) { return a.i("k", 2).i("axis", 0).b("largest", largest); }).in({5, 2}).roundTrip();
}

TEST(ExportFloat, Movement) {
  Case("reshape", [](A a) { return a.ints("shape", {4, 6}); }).in({2, 3, 4}).roundTrip();
  Case("reshape", [](A a) { return a.ints("shape", {3, 0}); }).in({0, 3}).roundTrip();
  Case("transpose", [](A a) { return a.ints("perm", {2, 0, 1}); }).in({2, 3, 4}).roundTrip();
  Case("slice", [](A a) { return a.ints("starts", {1, 4}).ints("sizes", {2, 3}).ints("steps", {1, -2}); })
      .in({4, 6})
      .roundTrip();
  Case("slice", [](A a) { return a.ints("starts", {0}).ints("sizes", {0}).ints("steps", {1}); })
      .in({4})
      .roundTrip();
  Case("concat", [](A a) { return a.i("axis", 1); }).in({2, 1, 3}).in({2, 2, 3}).in({2, 1, 3}).roundTrip();
  for (const char* mode : {"constant", "reflect", "edge", "wrap"})
    Case("pad", [=](A a) { return a.ints("pads", {0, 2, 0, 1}).s("mode", mode); }).in({2, 4}).roundTrip();
  Case("pad", [](A a) { return a.ints("pads", {1, -1}).s("mode", "constant").f("value", 3); })
      .in({4})
      .roundTrip();
  Case("expand", [](A a) { return a.ints("shape", {2, 3, 4}); }).in({3, 1}).roundTrip();
  Case("tile", [](A a) { return a.ints("repeats", {2, 3}); }).in({2, 2}).roundTrip();
  for (const char* mode : {"dcr", "crd"})
    Case("depth_to_space", [=](A a) { return a.i("block", 2).s("mode", mode); }).in({1, 8, 2, 3}).roundTrip();
  Case("space_to_depth", [](A a) { return a.i("block", 2); }).in({1, 2, 4, 6}).roundTrip();
  for (bool upper : {false, true})
    Case("trilu", [=](A a) { return a.i("k", 1).b("upper", upper); }).in({4, 3}).roundTrip();
  Case("reverse_sequence", [](A a) { return a.i("batch_axis", 1).i("time_axis", 0); })
      .in({4, 2})
      .ints({2}, {3, 1})
      .roundTrip();
}

TEST(ExportFloat, Resampling) {
  auto resize = [](const char* mode, const char* coordinate, std::vector<int64_t> sizes,
                   std::vector<float> scales) {
    return [=](A a) {
      a.s("mode", mode).ints("sizes", sizes).floats("scales", scales).s("coordinate", coordinate);
      return std::string(mode) == "nearest" ? a.s("nearest", "round_prefer_ceil") : a.f("cubic_a", -0.5f);
    };
  };
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    for (const char* coordinate : {"half_pixel", "half_pixel_symmetric", "asymmetric", "pytorch_half_pixel"})
      Case("resize", resize(mode, coordinate, {1, 2, 6, 7}, {1, 1, 2, 1.5f})).in({1, 2, 3, 5}).roundTrip();
    Case("resize", resize(mode, "align_corners", {1, 2, 6, 8}, {1, 1, 2, 1.6f})).in({1, 2, 3, 5}).roundTrip();
    Case("resize", resize(mode, "align_corners", {1, 2, 6, 7}, {1, 1, 2, 1.5f}))
        .in({1, 2, 3, 5})
        .oursAlone() // the last corner of 7.5 pixels
        .roundTrip();
  }
  // 0.7f * 10 is below 7.
  Case("resize", resize("linear", "half_pixel", {1, 1, 1, 7}, {1, 1, 1, std::nextafter(0.7f, 0.0f)}))
      .in({1, 1, 1, 10})
      .roundTrip(1e-5);
  for (const char* mode : {"linear", "nearest", "cubic"})
    for (const char* padding : {"zeros", "border", "reflection"}) {
      Case plane("grid_sample",
                 [=](A a) { return a.s("mode", mode).s("padding", padding).b("align_corners", true); });
      plane.in({1, 2, 4, 5}).in({1, 3, 3, 2}, -1.3f, 1.3f);
      // The border of the point, or of each of its sixteen neighbours.
      if (mode == std::string("cubic") && padding == std::string("border")) plane.oursAlone();
      plane.roundTrip();
    }
  Case("grid_sample",
       [](A a) { return a.s("mode", "linear").s("padding", "zeros").b("align_corners", false); })
      .in({1, 2, 3, 4, 2})
      .in({1, 2, 2, 3, 3}, -1.2f, 1.2f)
      .roundTrip(); // in space
  for (const char* mode : {"avg", "max"})
    for (bool half : {false, true})
      Case("roi_align",
           [=](A a) {
             return a.s("mode", mode)
                 .ints("sizes", {2, 3})
                 .i("sampling_ratio", 2)
                 .f("spatial_scale", 0.5f)
                 .b("half_pixel", half);
           })
          .in({1, 2, 6, 6})
          .values({1, 4}, {1, 2, 9, 10})
          .typed<int32_t>(DType::I32, {1}, {0})
          .roundTrip();
}

TEST(ExportFloat, Indices) {
  Case("gather", [](A a) { return a.i("axis", 1); }).in({2, 4, 2}).ints({3}, {3, 0, -1}).roundTrip();
  Case("gather_elements", [](A a) { return a.i("axis", 0); })
      .in({3, 2})
      .ints({2, 2}, {2, 0, 1, 1})
      .roundTrip();
  Case("gather_nd", [](A a) { return a.i("batch_dims", 1); }).in({2, 3, 4}).ints({2, 1}, {2, 0}).roundTrip();
  Case("gather_nd", [](A a) { return a.i("batch_dims", 0); })
      .in({2, 3, 4})
      .typed<int32_t>(DType::I32, {2, 2}, {1, 2, 0, 1})
      .roundTrip();
  for (const char* reduction : {"none", "add", "mul", "min", "max"}) {
    Case("scatter_elements", [=](A a) { return a.i("axis", 1).s("reduction", reduction); })
        .in({1, 5})
        .ints({1, 2}, {1, 3})
        .in({1, 2})
        .roundTrip();
    Case("scatter_nd", [=](A a) { return a.s("reduction", reduction); })
        .in({4, 2})
        .ints({2, 1}, {3, 0})
        .in({2, 2})
        .roundTrip();
    Case("scatter_nd", [=](A a) { return a.s("reduction", reduction); })
        .in({4, 2})
        .typed<int32_t>(DType::I32, {2, 1}, {3, 0})
        .in({2, 2})
        .roundTrip();
  }
  Case("one_hot", [](A a) { return a.i("depth", 4).i("axis", 1); })
      .ints({3}, {2, -1, 9})
      .values({2}, {0.5f, 7})
      .roundTrip();
}

TEST(ExportFloat, ResultsWhoseSizeDependsOnTheData) {
  Case("nonzero").values({2, 3}, {0, 1, 2, 0, 0, 3}).roundTrip();
  Case("compress", [](A a) { return a.i("axis", 0); })
      .in({4, 2})
      .typed<uint8_t>(DType::Bool, {3}, {1, 0, 1})
      .roundTrip();
  Case("compress", [](A a) { return a.i("axis", -1); })
      .in({2, 2})
      .typed<uint8_t>(DType::Bool, {4}, {0, 1, 1, 0})
      .roundTrip();
  Case("nms",
       [](A a) {
         return a.i("max_output", 3)
             .f("iou_threshold", 0.5f)
             .f("score_threshold", 0.2f)
             .b("center_point_box", false);
       })
      .values({1, 4, 4}, {0, 0, 1, 1, 0, 0.1f, 1, 1.1f, 0, 2, 1, 3, 0, 5, 1, 6})
      .values({1, 1, 4}, {0.9f, 0.8f, 0.7f, 0.1f})
      .roundTrip();
}

TEST(ExportFloat, RecurrentNetworks) {
  auto plain = [](A a) { return a.s("direction", "bidirectional").i("hidden", 3); };
  const std::vector<int32_t> lengths = {4, 2};
  for (bool clips : {false, true}) {
    Case lstm("lstm", [=](A a) { return clips ? plain(a).f("clip", 1.5f) : plain(a); });
    lstm.in({4, 2, 5})
        .in({2, 12, 5})
        .in({2, 12, 3})
        .in({2, 24})
        .typed<int32_t>(DType::I32, {2}, lengths)
        .in({2, 2, 3})
        .in({2, 2, 3})
        .in({2, 9});
    if (clips) lstm.oursAlone(); // the cell's state is clipped too, or not
    lstm.roundTrip();
  }
  auto gru = [=](A a) {
    return plain(a)
        .b("linear_before_reset", true)
        .s("activations", "HardSigmoid(0.3,0.4),Tanh,Sigmoid,LeakyRelu(0.1)");
  };
  Case("gru", gru).in({4, 2, 5}).in({2, 9, 5}).in({2, 9, 3}).none().none().in({2, 2, 3}).roundTrip();
  Case("rnn", [](A a) { return a.s("direction", "reverse").i("hidden", 3); })
      .in({4, 2, 5})
      .in({1, 3, 5})
      .in({1, 3, 3})
      .in({1, 6})
      .none()
      .none()
      .roundTrip();
}

TEST(ExportFloat, AnLstmWithAClippedCell) {
  for (bool biased : {false, true}) {
    Case lstm("lstm", [](A a) { return a.s("direction", "forward").i("hidden", 3).f("cell_clip", 0.4f); });
    lstm.in({4, 2, 5}).in({1, 12, 5}).in({1, 12, 3});
    (biased ? lstm.in({1, 24}) : lstm.none()).none().in({1, 2, 3}).in({1, 2, 3}).none().roundTrip(1e-5);
  }
}

TEST(ExportFloat, LayersThatRememberFeatures) {
  for (int64_t memory : {1, 4}) {
    Case biased("svdf", [](A a) { return a.i("rank", 2); });
    biased.in({3, 5}).in({8, 5}).in({8, memory}).in({4}).in({3, 8, memory}).roundTrip(1e-6);
    Case plain("svdf", [](A a) { return a.i("rank", 1); });
    plain.in({1, 5}).in({8, 5}).in({8, memory}).none().in({1, 8, memory}).roundTrip(1e-6);
  }
}

TEST(ExportFloat, TheSourcesOwnQuantization) {
  auto along = [](int64_t axis) { return [=](A a) { return a.i("axis", axis); }; };
  auto blocked = [](A a) { return a.i("axis", 1).i("block", 2); };
  Case("quantize", along(0)).in({2, 4}).values({}, {0.1f}).typed<uint8_t>(DType::U8, {}, {128}).roundTrip();
  Case("quantize", along(0))
      .in({2, 4})
      .values({2}, {0.1f, 0.2f})
      .typed<int8_t>(DType::I8, {2}, {3, -4})
      .roundTrip();
  Case("quantize", along(0)).in({2, 4}).values({}, {1e-3f}).typed<int16_t>(DType::I16, {}, {5}).roundTrip();
  Case("quantize", blocked)
      .in({2, 4})
      .values({2, 2}, {0.1f, 0.2f, 0.3f, 0.4f})
      .typed<int8_t>(DType::I8, {2, 2}, {0, 1, 2, 3})
      .roundTrip();
  Case("dequantize", along(1))
      .typed<int8_t>(DType::I8, {2, 2}, {-128, 3, 4, 127})
      .values({2}, {0.1f, 0.2f})
      .typed<int8_t>(DType::I8, {2}, {0, 1})
      .roundTrip();
  Case("dequantize", along(0)) // a bias of 64 bits
      .typed<int64_t>(DType::I64, {3}, {1 << 20, -5, 7})
      .values({3}, {0.1f, 0.2f, 0.3f})
      .typed<int64_t>(DType::I64, {3}, {0, 0, 1})
      .roundTrip();
  Case("dequantize", blocked)
      .typed<uint8_t>(DType::U8, {1, 4}, {0, 3, 4, 255})
      .values({1, 2}, {0.1f, 0.2f})
      .typed<uint8_t>(DType::U8, {1, 2}, {7, 1})
      .roundTrip();
}

TEST(ExportFloat, TheOldestOpsetThatHasTheOps) {
  auto opset = [](const Case& c) { return parsed(*c.exported()).opset_import(0).version(); };
  EXPECT_EQ(opset(Case("pad", [](A a) { return a.ints("pads", {1, 1}).s("mode", "edge"); }).in({4})), 18);
  EXPECT_EQ(opset(Case("pad", [](A a) { return a.ints("pads", {1, 1}).s("mode", "wrap"); }).in({4})), 19);
  EXPECT_EQ(opset(Case("avg_pool", kDilated.with()).in(kPlane)), 19);
}

TEST(ExportFloat, WhatOnnxHasNoFormForIsRefusedByName) {
  // Indices of a cropped operand would be other numbers.
  auto bytes = Case("max_pool_index", kWindows[2].with()).in(kPlane).exported();
  ASSERT_FALSE(bytes);
  // Twice the size, but as if it were 1.9 times.
  EXPECT_FALSE(Case("resize",
                    [](A a) {
                      return a.s("mode", "linear")
                          .ints("sizes", {1, 1, 8})
                          .floats("scales", {1, 1, 1.9f})
                          .s("coordinate", "half_pixel");
                    })
                   .in({1, 1, 4})
                   .exported());
  EXPECT_EQ(bytes.error().code, ErrorCode::Unsupported);
  EXPECT_NE(bytes.error().text().find("nn.max_pool_index (1: node)"), std::string::npos)
      << bytes.error().text();
}

TEST(ExportFloat, NamesAreKept) {
  auto context = nn::makeContext(), readContext = nn::makeContext();
  nn::GraphBuilder b(context.get());
  mlir::Value x = b.input("pixels", {DType::F32, {1, 4}}),
              w = b.constantFloats(someFloats(12), {3, 4}, "fc/weight");
  mlir::Value product = *b.op("matmul", {x, w, b.none()}, b.attrs().b("trans_b", true), "fc/out", "fc");
  mlir::Value act = *b.op("unary", {product}, b.attrs().s("fn", "silu"), "act:0", "act");
  auto module = b.finish({act, x, product}, {"scores", "pixels", "fc/out"});
  ASSERT_TRUE(module);
  auto bytes = exportOnnx(graphOf(**module));
  ASSERT_TRUE(bytes) << bytes.error().text();
  const onnxpb::ModelProto model = parsed(*bytes);
  EXPECT_EQ(model.graph().input(0).name(), "pixels");
  EXPECT_EQ(model.graph().initializer(0).name(), "fc/weight");
  EXPECT_EQ(model.graph().node(0).name(), "fc");
  std::vector<std::string> outputs;
  for (const auto& output : model.graph().output()) outputs.push_back(output.name());
  EXPECT_EQ(outputs[0], "scores");
  EXPECT_EQ(outputs[2], "fc/out");
  std::set<std::string> made; // each tensor is made once
  for (const auto& node : model.graph().node())
    for (const std::string& name : node.output()) EXPECT_TRUE(made.insert(name).second) << name;
  EXPECT_TRUE(importOnnxBytes({bytes->data(), bytes->size()}, {}, {}, *readContext));
}

// The input of a quantized model stays a tensor of integers under its name.
TEST(ExportFloat, StoredInputs) {
  for (DType dtype : {DType::I8, DType::U8}) {
    auto context = nn::makeContext(), readContext = nn::makeContext();
    nn::GraphBuilder b(context.get());
    mlir::Value x = b.input("pixels", {dtype, {1, 3}}), scale = b.constantFloat(0.5f);
    mlir::Value zero = b.constant({dtype, {}}, {char(2)});
    mlir::Value real = *b.op("dequantize", {x, scale, zero}, b.attrs().i("axis", 0), "real", "dq");
    auto module = b.finish({real}, {"real"});
    ASSERT_TRUE(module);
    quantize::markIntegerInputs(graphOf(**module));
    auto bytes = exportOnnx(graphOf(**module));
    ASSERT_TRUE(bytes) << bytes.error().text();
    const onnxpb::ModelProto model = parsed(*bytes);
    ASSERT_EQ(model.graph().node_size(), 1);
    EXPECT_EQ(model.graph().node(0).op_type(), "DequantizeLinear");
    EXPECT_EQ(model.graph().node(0).input(0), "pixels");
    EXPECT_EQ(model.graph().input(0).name(), "pixels");
    EXPECT_EQ(model.graph().input(0).type().tensor_type().elem_type(), onnxType(dtype));
    EXPECT_TRUE(importOnnxBytes({bytes->data(), bytes->size()}, {}, {}, *readContext));
  }
}

} // namespace
} // namespace burin::onnx_export::test
