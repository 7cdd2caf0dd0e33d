#include "lib/quantize/channels.h"

#include "lib/nn/module_io.h"
#include "lib/quantize/test_support.h"

#include <gtest/gtest.h>

namespace burin::quantize {
namespace {

// conv -> silu -> depthwise conv, so the tensor in the middle may have a scale per channel.
struct Net {
  std::unique_ptr<mlir::MLIRContext> context = nn::makeContext();
  nn::GraphBuilder builder{context.get()};
  mlir::Value middle;

  explicit Net(const char* fn) {
    auto conv = [&](mlir::Value x, int64_t groups, const std::string& name) {
      std::vector<float> w(static_cast<size_t>(2 * 2 / groups), 1.0f);
      mlir::Value weights = builder.constantFloats(w, {2, 2 / groups, 1, 1});
      return *builder.op("conv", {x, weights, builder.none()}, test::plainConvolution(builder, groups), name);
    };
    mlir::Value x = builder.input("x", {rt::DType::F32, {1, 2, 4, 4}});
    middle = *builder.op("unary", {conv(x, 1, "a")}, builder.attrs().s("fn", fn), "m");
    conv(middle, 2, "b");
  }
};

TensorRange observed(std::vector<float> min, std::vector<float> max) {
  TensorRange r;
  r.channelMin = std::move(min);
  r.channelMax = std::move(max);
  return r;
}

TEST(ChannelScales, BetweenConvolutionsAFunctionMayHaveThem) {
  Net net("silu");
  EXPECT_TRUE(mayHaveChannelScales(net.middle, ChannelScales::Functions));
  EXPECT_FALSE(mayHaveChannelScales(net.middle, ChannelScales::Convolutions));
  EXPECT_FALSE(mayHaveChannelScales(net.middle, ChannelScales::None));
  mlir::Value input = net.builder.input("y", {rt::DType::F32, {1, 2, 4, 4}}); // nobody makes it
  EXPECT_FALSE(mayHaveChannelScales(input, ChannelScales::Functions));
}

TEST(ChannelScales, TheZeroPointLeavesRoomForTheNegativePartOfSmallChannels) {
  Net net("silu");
  TensorPlan t;
  t.min = -0.28, t.max = 150, t.threshold = 150;
  // With the tensor's own range the zero point would be -128 and every value below zero would vanish.
  chooseChannelScales(net.middle, observed({-0.28f, -0.28f}, {150, 0.5f}), {-128, 127, 127}, false,
                      *loadTarget("cpu"), t);
  ASSERT_EQ(t.channels.size(), 2u);
  const Integers q =
      integersForRange(t.min, t.max, t.threshold, ActivationScheme{rt::IntegerForm{-128, 127, 127}, {}, {}},
                       Scheme::Asymmetric);
  const double scale = q.affine.scale * t.channels[1];
  EXPECT_LE((-128 - q.affine.zeroPoint) * scale, -0.27);
  EXPECT_GE((127 - q.affine.zeroPoint) * scale, 0.49);
  EXPECT_GE((127 - q.affine.zeroPoint) * q.affine.scale * t.channels[0], 149);
}

TEST(ChannelScales, ChannelsOfEqualRangeKeepOneScale) {
  Net net("silu");
  TensorPlan t;
  t.min = -1, t.max = 4, t.threshold = 4;
  chooseChannelScales(net.middle, observed({-1, -1}, {4, 4}), {-128, 127, 127}, false, *loadTarget("cpu"), t);
  EXPECT_TRUE(t.channels.empty());
  EXPECT_EQ(t.min, -1);
}

TEST(ChannelScales, InputChannelOfADepthwiseWeightIsItsOutput) {
  Net net("silu");
  mlir::Operation* depthwise = *net.middle.getUsers().begin();
  EXPECT_EQ(inputChannel(depthwise, 0), 0);
  EXPECT_EQ(inputChannel(depthwise, 1), 1);
}

} // namespace
} // namespace burin::quantize
