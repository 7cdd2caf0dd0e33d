#include "lib/prepare/test_support.h"

namespace burin {
namespace {

class MovementTest : public PrepareTest {
protected:
  mlir::Value toLast(mlir::Value x) { return transpose(x, {0, 2, 3, 1}); }
  mlir::Value toFirst(mlir::Value x) { return transpose(x, {0, 3, 1, 2}); }
  mlir::Value slice(mlir::Value x, llvm::ArrayRef<int64_t> starts, llvm::ArrayRef<int64_t> sizes,
                    llvm::ArrayRef<int64_t> steps) {
    return op("slice", {x}, attrs().ints("starts", starts).ints("sizes", sizes).ints("steps", steps));
  }
};

TEST_F(MovementTest, InverseTransposesCancel) {
  EXPECT_EQ(prepared({unary("tanh", toFirst(toLast(input({1, 3, 4, 5}))))}), Kinds({"unary:tanh"}));
}

TEST_F(MovementTest, TransposesMerge) {
  EXPECT_EQ(prepared({transpose(transpose(input({2, 3, 4}), {1, 2, 0}), {0, 2, 1})}), Kinds({"transpose"}));
}

TEST_F(MovementTest, TransposeOfUnitAxesIsReshape) {
  EXPECT_EQ(prepared({toLast(input({1, 7, 1, 1}))}), Kinds({"reshape"}));
}

TEST_F(MovementTest, ReshapesMergeAlsoAroundUnary) {
  mlir::Value x = reshape(reshape(input({2, 12}), {2, 3, 4}), {6, 4});
  EXPECT_EQ(prepared({reshape(unary("sigmoid", x), {2, 12})}), Kinds({"unary:sigmoid"}));
}

TEST_F(MovementTest, IdentitiesGo) {
  mlir::Value x = input({2, 3});
  x = op("pad", {x}, attrs().ints("pads", {0, 0, 0, 0}).s("mode", "constant"));
  x = slice(x, {0, 0}, {2, 3}, {1, 1});
  x = op("expand", {x}, attrs().ints("shape", {2, 3}));
  x = op("concat", {x}, attrs().i("axis", 0));
  x = op("tile", {x}, attrs().ints("repeats", {1, 1}));
  x = op("cast", {x}, attrs().s("to", "f32"));
  x = unary("identity", transpose(reshape(x, {2, 3}), {0, 1}));
  x = binary("mul", binary("add", x, scalar(0)), scalar(1));
  EXPECT_EQ(prepared({unary("tanh", x)}), Kinds({"unary:tanh"}));
}

TEST_F(MovementTest, InputCanBeOutput) { EXPECT_EQ(prepared({unary("identity", input({2, 3}))}), Kinds({})); }

TEST_F(MovementTest, ChannelsLastSandwichLosesItsTransposes) {
  mlir::Value x = toLast(conv(input({1, 3, 6, 6}), weights({4, 3, 3, 3}), {}, 1));
  x = binary("add", unary("sigmoid", x), weights({4}));
  x = op("concat", {x, unary("tanh", x)}, attrs().i("axis", 3));
  x = op("pad", {x}, attrs().ints("pads", {0, 1, 2, 0, 0, 0, 1, 0}).s("mode", "edge"));
  x = slice(x, {0, 1, 0, 2}, {1, 5, 4, 5}, {1, 1, 2, 1});
  x = op("softmax", {x}, attrs().i("axis", 3));
  x = conv(toFirst(x), weights({2, 5, 1, 1}), {});
  EXPECT_EQ(prepared({x}), Kinds({"conv", "unary:sigmoid", "binary:add", "unary:tanh", "concat", "pad",
                                  "slice", "softmax", "conv"}));
}

// Keras: the bias and the batch norm stand behind a convolution, with the channels last between them.
TEST_F(MovementTest, ConstantsThatMoveAlongFoldBeforeBatchNorm) {
  mlir::Value y = toLast(conv(input({1, 3, 6, 6}), weights({4, 3, 3, 3}), {}, 1));
  y = toLast(batchNorm(toFirst(binary("add", y, weights({4}))), 4));
  EXPECT_EQ(prepared({toFirst(unary("relu", y))}), Kinds({"conv"}));
}

TEST_F(MovementTest, ResidualInChannelsLast) {
  mlir::Value a = toLast(conv(input({1, 3, 6, 6}), weights({4, 3, 3, 3}), {}, 1));
  mlir::Value b = toLast(conv(toFirst(a), weights({4, 4, 3, 3}), {}, 1));
  mlir::Value s = unary("relu", binary("add", a, b));
  EXPECT_EQ(prepared({conv(toFirst(s), weights({2, 4, 1, 1}), {}), mean(s, {1, 2})}),
            Kinds({"conv", "conv", "binary:add", "conv", "reduce:mean", "reshape"}));
}

TEST_F(MovementTest, TransposeThatWouldNotCancelStays) {
  mlir::Value x = transpose(input({4, 5, 6}), {0, 2, 1});
  EXPECT_EQ(prepared({binary("mul", unary("tanh", x), input({4, 6, 5}))}),
            Kinds({"transpose", "unary:tanh", "binary:mul"}));
}

TEST_F(MovementTest, SliceOfConcatReadsTheOperand) {
  mlir::Value a = unary("tanh", input({1, 3, 4})), b = unary("exp", input({1, 5, 4}));
  mlir::Value c = op("concat", {a, b}, attrs().i("axis", 1));
  EXPECT_EQ(prepared({slice(c, {0, 0, 0}, {1, 3, 4}, {1, 1, 1}), slice(c, {0, 7, 0}, {1, 2, 4}, {1, -2, 1})}),
            Kinds({"unary:tanh", "unary:exp", "slice"}));
}

TEST_F(MovementTest, SplitAndJoinIsNothing) {
  mlir::Value x = unary("tanh", input({1, 6, 4}));
  mlir::Value a = slice(x, {0, 0, 0}, {1, 2, 4}, {1, 1, 1}), b = slice(x, {0, 2, 0}, {1, 4, 4}, {1, 1, 1});
  EXPECT_EQ(prepared({unary("exp", op("concat", {a, b}, attrs().i("axis", 1)))}),
            Kinds({"unary:tanh", "unary:exp"}));
}

TEST_F(MovementTest, SlicesMerge) {
  mlir::Value x = slice(input({20, 3}), {17, 0}, {8, 3}, {-2, 1});
  EXPECT_EQ(prepared({slice(x, {1, 0}, {3, 2}, {2, 2})}), Kinds({"slice"}));
}

TEST_F(MovementTest, GatherByConstantsIsSlice) {
  mlir::Value x = input({4, 6});
  mlir::Value one = op("gather", {x, builder_->constantInt(-1)}, attrs().i("axis", 1));
  mlir::Value some = op("gather", {x, builder_->constantInts({5, 3, 1})}, attrs().i("axis", 1));
  EXPECT_EQ(prepared({one, some}), Kinds({"slice", "reshape", "slice"}));
}

TEST_F(MovementTest, ConcatsMerge) {
  mlir::Value x = input({1, 2}), y = op("concat", {x, x}, attrs().i("axis", 0));
  EXPECT_EQ(prepared({op("concat", {y, x}, attrs().i("axis", 0))}), Kinds({"concat"}));
}

TEST_F(MovementTest, TransposesEnterMatMul) {
  mlir::Value a = input({2, 5, 3}), b = input({2, 4, 5});
  EXPECT_EQ(prepared({matmul(transpose(a, {0, 2, 1}), transpose(b, {0, 2, 1}))}), Kinds({"matmul"}));
}

TEST_F(MovementTest, FlattenAfterTransposePermutesWeights) {
  mlir::Value x = reshape(toLast(input({2, 3, 4, 5})), {2, 60});
  EXPECT_EQ(prepared({matmul(x, weights({60, 7}))}), Kinds({"reshape", "matmul"}));
}

TEST_F(MovementTest, ActivationBeforeFlattenLetsTheTransposePass) {
  mlir::Value x = unary("tanh", toLast(conv(input({2, 3, 6, 6}), weights({4, 3, 3, 3}), {}, 0)));
  EXPECT_EQ(prepared({matmul(reshape(x, {2, 64}), weights({64, 5}))}),
            Kinds({"conv", "unary:tanh", "reshape", "matmul"}));
}

TEST_F(MovementTest, ChannelShuffleStays) {
  mlir::Value x = transpose(reshape(unary("tanh", input({1, 6, 4, 4})), {1, 2, 3, 4, 4}), {0, 2, 1, 3, 4});
  EXPECT_EQ(prepared({unary("exp", reshape(x, {1, 6, 4, 4}))}),
            Kinds({"unary:tanh", "reshape", "transpose", "reshape", "unary:exp"}));
}

TEST_F(MovementTest, GlobalPoolingIsReduction) {
  mlir::Value x = op("avg_pool", {input({1, 3, 4, 5})},
                     attrs()
                         .ints("kernel", {4, 5})
                         .ints("strides", {1, 1})
                         .ints("dilations", {1, 1})
                         .ints("pads", {0, 0, 0, 0})
                         .ints("sizes", {1, 1}));
  EXPECT_EQ(prepared({reshape(x, {1, 3})}), Kinds({"reduce:mean"}));
}

TEST_F(MovementTest, BroadcastNeedsNoExpand) {
  mlir::Value small = op("expand", {input({1, 3, 1})}, attrs().ints("shape", {2, 3, 4}));
  EXPECT_EQ(prepared({binary("mul", input({2, 3, 4}), small)}), Kinds({"binary:mul"}));
}

TEST_F(MovementTest, EqualOpsMerge) {
  mlir::Value x = input({2, 3});
  EXPECT_EQ(prepared({binary("sub", unary("tanh", x, "a"), binary("add", unary("tanh", x, "b"), scalar(1)))}),
            Kinds({"unary:tanh", "binary:add", "binary:sub"}));
}

} // namespace
} // namespace burin
