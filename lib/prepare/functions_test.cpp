#include "lib/prepare/test_support.h"

namespace burin {
namespace {

class FunctionsTest : public PrepareTest {
protected:
  mlir::Value x_ = input({2, 3, 8, 4});
  mlir::Value tanhCubic() {
    mlir::Value cube = binary("pow", x_, scalar(3));
    return unary("tanh", binary("mul", binary("add", x_, binary("mul", cube, scalar(0.044715f))),
                                scalar(0.7978845608f)));
  }
};

TEST_F(FunctionsTest, Silu) {
  EXPECT_EQ(prepared({binary("mul", unary("sigmoid", x_), x_)}), Kinds({"unary:silu"}));
}

TEST_F(FunctionsTest, SiluOfProduct) {
  mlir::Value p = binary("mul", x_, input({2, 3, 8, 4}));
  EXPECT_EQ(prepared({binary("mul", p, unary("sigmoid", p))}), Kinds({"binary:mul", "unary:silu"}));
}

TEST_F(FunctionsTest, Mish) {
  EXPECT_EQ(prepared({binary("mul", x_, unary("tanh", unary("softplus", x_)))}), Kinds({"unary:mish"}));
}

TEST_F(FunctionsTest, MishWithWrittenSoftplus) {
  mlir::Value softplus = unary("log", binary("add", unary("exp", x_), scalar(1)));
  EXPECT_EQ(prepared({binary("mul", x_, unary("tanh", softplus))}), Kinds({"unary:mish"}));
}

TEST_F(FunctionsTest, HardSwishDividedLast) {
  mlir::Value gate = clip(binary("add", x_, scalar(3)), 0, 6);
  EXPECT_EQ(prepared({binary("div", binary("mul", x_, gate), scalar(6))}), Kinds({"unary:hard_swish"}));
}

TEST_F(FunctionsTest, HardSwishMultipliedFirst) {
  mlir::Value gate = binary("min", unary("relu", binary("add", x_, scalar(3))), scalar(6));
  EXPECT_EQ(prepared({binary("mul", x_, binary("mul", gate, scalar(1.0f / 6)))}),
            Kinds({"unary:hard_swish"}));
}

TEST_F(FunctionsTest, HardSwishOfHardSigmoid) {
  mlir::Value gate = op("unary", {x_}, attrs().s("fn", "hard_sigmoid").f("alpha", 1.0f / 6).f("beta", 0.5f));
  EXPECT_EQ(prepared({binary("mul", x_, gate)}), Kinds({"unary:hard_swish"}));
}

TEST_F(FunctionsTest, HardSigmoid) {
  mlir::Value y = binary("div", clip(binary("add", x_, scalar(3)), 0, 6), scalar(6));
  EXPECT_EQ(prepared({y, clip(binary("add", binary("mul", x_, scalar(0.25f)), scalar(0.5f)), 0, 1)}),
            Kinds({"unary:hard_sigmoid", "unary:hard_sigmoid"}));
}

TEST_F(FunctionsTest, Gelu) {
  mlir::Value gate = binary("add", unary("erf", binary("div", x_, scalar(1.41421356f))), scalar(1));
  mlir::Value half = binary("mul", x_, scalar(0.5f));
  EXPECT_EQ(prepared({binary("mul", half, gate), binary("mul", binary("mul", x_, gate), scalar(0.5f)),
                      binary("mul", x_, binary("mul", scalar(0.5f), gate))}),
            Kinds({"unary:gelu"}));
}

TEST_F(FunctionsTest, GeluTanh) {
  mlir::Value gate = binary("add", scalar(1), tanhCubic());
  EXPECT_EQ(prepared({binary("mul", binary("mul", scalar(0.5f), x_), gate)}), Kinds({"unary:gelu_tanh"}));
}

TEST_F(FunctionsTest, GeluTanhHorner) {
  mlir::Value inner = binary("add", binary("mul", binary("mul", x_, x_), scalar(0.044715f * 0.7978845608f)),
                             scalar(0.7978845608f));
  mlir::Value gate =
      binary("add", binary("mul", unary("tanh", binary("mul", x_, inner)), scalar(0.5f)), scalar(0.5f));
  EXPECT_EQ(prepared({binary("mul", gate, x_)}), Kinds({"unary:gelu_tanh"}));
}

TEST_F(FunctionsTest, AlmostGeluStays) {
  mlir::Value gate = binary("add", unary("erf", binary("mul", x_, scalar(0.7f))), scalar(1));
  EXPECT_EQ(prepared({binary("mul", binary("mul", x_, gate), scalar(0.5f))}).size(), 5u);
}

TEST_F(FunctionsTest, Sigmoid) {
  EXPECT_EQ(prepared({binary("div", scalar(1), binary("add", scalar(1), unary("exp", unary("neg", x_))))}),
            Kinds({"unary:sigmoid"}));
}

TEST_F(FunctionsTest, LeakyRelu) {
  EXPECT_EQ(prepared({binary("max", binary("mul", x_, scalar(0.1f)), x_)}), Kinds({"unary:leaky_relu"}));
}

TEST_F(FunctionsTest, PreluOfReluAndAbs) {
  mlir::Value negative =
      binary("mul", binary("mul", weights({3, 1, 1}), binary("sub", x_, unary("abs", x_))), scalar(0.5f));
  EXPECT_EQ(prepared({binary("add", unary("relu", x_), negative)}), Kinds({"binary:prelu"}));
}

TEST_F(FunctionsTest, PreluOfTwoRelus) {
  mlir::Value negative = binary("mul", weights({3, 1, 1}), unary("relu", unary("neg", x_)));
  EXPECT_EQ(prepared({binary("sub", unary("relu", x_), negative)}), Kinds({"binary:prelu"}));
}

TEST_F(FunctionsTest, LayerNorm) {
  mlir::Value d = binary("sub", x_, mean(x_, {3}));
  mlir::Value variance = mean(binary("pow", d, scalar(2)), {3});
  mlir::Value y = binary("div", d, unary("sqrt", binary("add", variance, scalar(1e-5f))));
  EXPECT_EQ(prepared({binary("add", binary("mul", y, weights({4})), weights({1, 1, 1, 4}))}),
            Kinds({"layer_norm"}));
}

TEST_F(FunctionsTest, LayerNormWithTwoDifferences) {
  mlir::Value square = binary("sub", x_, mean(x_, {2, 3}));
  mlir::Value variance = mean(binary("mul", square, square), {2, 3});
  mlir::Value root = unary("reciprocal", unary("sqrt", binary("add", variance, scalar(1e-5f))));
  mlir::Value y = binary("mul", binary("sub", x_, mean(x_, {2, 3})), root);
  EXPECT_EQ(prepared({binary("add", binary("mul", y, weights({3, 1, 1})), weights({1, 3, 1, 1}))}),
            Kinds({"group_norm"}));
}

TEST_F(FunctionsTest, RmsNorm) {
  mlir::Value root = unary("sqrt", binary("add", mean(binary("pow", x_, scalar(2)), {3}), scalar(1e-6f)));
  EXPECT_EQ(prepared({binary("mul", weights({4}), binary("div", x_, root))}), Kinds({"layer_norm"}));
}

TEST_F(FunctionsTest, Softmax) {
  auto over = [&](const char* fn, mlir::Value x, int64_t axis) {
    return op("reduce", {x}, attrs().s("fn", fn).ints("axes", {axis}).b("keep_dims", true));
  };
  mlir::Value power = unary("exp", binary("sub", x_, over("max", x_, 3)));
  EXPECT_EQ(prepared({binary("div", power, over("sum", power, 3))}), Kinds({"softmax"}));
}

TEST_F(FunctionsTest, ExpOverAnotherSumStays) {
  mlir::Value power = unary("exp", x_);
  mlir::Value sum = op("reduce", {power}, attrs().s("fn", "sum").ints("axes", {2, 3}).b("keep_dims", true));
  EXPECT_EQ(prepared({binary("div", power, sum)}), Kinds({"unary:exp", "reduce:sum", "binary:div"}));
}

TEST_F(FunctionsTest, DivisionBecomesMultiplicationOnlyWhenExact) {
  EXPECT_EQ(
      prepared({binary("div", unary("tanh", x_), scalar(8)), binary("div", unary("exp", x_), scalar(3))}),
      Kinds({"unary:tanh", "binary:mul", "unary:exp", "binary:div"}));
}

} // namespace
} // namespace burin
