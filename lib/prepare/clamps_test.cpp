#include "lib/prepare/test_support.h"

namespace burin {
namespace {

class ClampsTest : public PrepareTest {
protected:
  mlir::Operation* producerOf(const std::string& name) {
    mlir::Operation* found = nullptr;
    result_->walk([&](mlir::Operation* op) {
      if (op->getNumResults() == 1 && nn::valueName(op->getResult(0)) == name) found = op;
    });
    return found;
  }
  float attribute(mlir::Operation* op, const char* name) {
    auto a = op->getAttrOfType<mlir::FloatAttr>(name);
    return a ? static_cast<float>(a.getValueAsDouble()) : NAN;
  }
};

TEST_F(ClampsTest, ActivationsFuseAndNameTheTensor) {
  mlir::Value x = unary("relu", conv(input({1, 3, 6, 6}), weights({4, 3, 3, 3}), {}, 1, "c"), "r");
  x = clip(binary("add", x, unary("tanh", x), "s"), 0, 6, "r6");
  EXPECT_EQ(prepared({unary("tanh", x)}), Kinds({"conv", "unary:tanh", "binary:add", "unary:tanh"}));
  ASSERT_TRUE(producerOf("r") && producerOf("r6"));
  EXPECT_EQ(attribute(producerOf("r"), "lo"), 0);
  EXPECT_TRUE(std::isnan(attribute(producerOf("r"), "hi")));
  EXPECT_EQ(attribute(producerOf("r6"), "hi"), 6);
}

TEST_F(ClampsTest, NestedClampsIntersect) {
  mlir::Value x = clip(conv(input({1, 3, 6, 6}), weights({4, 3, 3, 3}), {}, 1), -1, 0.5f);
  x = binary("min", binary("max", x, scalar(-0.25f)), scalar(8));
  prepared({x});
  mlir::Operation* op = producerOf("output0");
  ASSERT_TRUE(op);
  EXPECT_EQ(op->getName().stripDialect(), "conv");
  EXPECT_EQ(attribute(op, "lo"), -0.25f);
  EXPECT_EQ(attribute(op, "hi"), 0.5f);
}

TEST_F(ClampsTest, DisjointClampsAreConstant) {
  mlir::Value x = clip(clip(conv(input({1, 1, 3, 3}), weights({1, 1, 1, 1}), {}), -1, 1), 2, 3);
  EXPECT_EQ(prepared({x}), Kinds({"conv"}));
}

TEST_F(ClampsTest, SecondReaderOfTheSumKeepsTheActivation) {
  mlir::Value s = binary("add", input({1, 4}), input({1, 4}));
  EXPECT_EQ(prepared({unary("relu", s), s}), Kinds({"binary:add", "unary:relu"}));
}

TEST_F(ClampsTest, ClampMovesBeforePoolingAndMovement) {
  mlir::Value x = conv(input({1, 3, 8, 8}), weights({4, 3, 3, 3}), {}, 1, "c");
  x = op("max_pool", {x},
         attrs()
             .ints("kernel", {3, 3})
             .ints("strides", {2, 2})
             .ints("dilations", {1, 1})
             .ints("pads", {1, 1, 1, 1})
             .ints("sizes", {4, 4}),
         "p");
  x = unary("relu", x, "r");
  EXPECT_EQ(prepared({unary("tanh", x)}), Kinds({"conv", "max_pool", "unary:tanh"}));
  EXPECT_EQ(tensorNames(*result_), Kinds({"c", "r", "output0"}));
}

TEST_F(ClampsTest, ReluOfNonNegativeGoes) {
  mlir::Value x = unary("sigmoid", input({2, 3}));
  EXPECT_EQ(prepared({unary("relu", op("concat", {x, unary("exp", x)}, attrs().i("axis", 0)))}),
            Kinds({"unary:sigmoid", "unary:exp", "concat"}));
}

TEST_F(ClampsTest, BatchNormThenReluAllInOneConvolution) {
  EXPECT_EQ(prepared({unary("relu", batchNorm(conv(input({1, 3, 5, 5}), weights({4, 3, 3, 3}), {}, 1), 4))}),
            Kinds({"conv"}));
}

} // namespace
} // namespace burin
