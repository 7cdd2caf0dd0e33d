#include "lib/prepare/test_support.h"

namespace burin {
namespace {

class PadsTest : public PrepareTest {
protected:
  mlir::Value pad(mlir::Value x, llvm::ArrayRef<int64_t> pads, float value = 0) {
    return op("pad", {x}, attrs().ints("pads", pads).s("mode", "constant").f("value", value));
  }
  nn::AttrList window(int64_t kernel, int64_t size) {
    nn::AttrList list = attrs();
    list.ints("kernel", {kernel, kernel})
        .ints("strides", {1, 1})
        .ints("dilations", {1, 1})
        .ints("pads", {0, 0, 0, 0})
        .ints("sizes", {size, size});
    return list;
  }
};

TEST_F(PadsTest, ZeroPadEntersConvolution) {
  mlir::Value x = pad(input({1, 3, 6, 6}), {0, 0, 1, 0, 0, 0, 2, 1});
  EXPECT_EQ(prepared({conv(x, weights({4, 3, 3, 3}), {}, 1)}), Kinds({"conv"}));
}

TEST_F(PadsTest, OtherPadsStay) {
  mlir::Value x = input({1, 3, 6, 6});
  mlir::Value w = weights({4, 3, 3, 3});
  EXPECT_EQ(prepared({conv(pad(x, {0, 0, 1, 1, 0, 0, 1, 1}, 1), w, {}),
                      conv(pad(x, {0, 0, -1, 1, 0, 0, 1, 1}), w, {})}),
            Kinds({"pad", "conv", "pad", "conv"}));
}

TEST_F(PadsTest, MaxPoolTakesPadsBelowItsValues) {
  mlir::Value x = input({1, 3, 6, 6});
  mlir::Value a = op("max_pool", {pad(unary("sigmoid", x), {0, 0, 1, 1, 0, 0, 1, 1})}, window(3, 6));
  mlir::Value b = op("max_pool", {pad(x, {0, 0, 1, 1, 0, 0, 1, 1}, -3.4e38f)}, window(3, 6));
  EXPECT_EQ(prepared({a, b}), Kinds({"unary:sigmoid", "max_pool", "max_pool"}));
}

TEST_F(PadsTest, MaxPoolOfNegativeValuesKeepsThePad) {
  mlir::Value x = unary("tanh", input({1, 3, 6, 6}));
  EXPECT_EQ(prepared({op("max_pool", {pad(x, {0, 0, 1, 1, 0, 0, 1, 1})}, window(3, 6))}),
            Kinds({"unary:tanh", "pad", "max_pool"}));
}

TEST_F(PadsTest, AveragePoolCountsThePads) {
  mlir::Value x = pad(input({1, 3, 6, 6}), {0, 0, 1, 1, 0, 0, 1, 1});
  EXPECT_EQ(prepared({op("avg_pool", {x}, window(3, 6))}), Kinds({"avg_pool"}));
}

} // namespace
} // namespace burin
