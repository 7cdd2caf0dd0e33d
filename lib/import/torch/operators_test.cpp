// Every family of rules on small numbers worked out by hand. x counts 0, 1, 2, ... unless values are given.
#include "lib/import/torch/operators.h"
#include "lib/import/torch/test_archive.h"

#include <cmath>

using namespace burin;
using namespace burin::torch::test;
using Floats = std::vector<float>;
using Dims = std::vector<int64_t>;

namespace {
// The value of an expression of x.
Floats value(const std::string& expression, const Dims& dims, const Floats& x = {}) {
  Imported y = fold({"return " + expression}, dims, x);
  EXPECT_TRUE(y.ok()) << expression << ": " << y.error();
  return y.ok() ? y.floats() : Floats();
}
std::string shape(const std::string& expression, const Dims& dims) {
  Imported y = fold({"return " + expression}, dims);
  EXPECT_TRUE(y.ok()) << expression << ": " << y.error();
  return y.ok() ? y.shapeList() : y.error();
}
std::string errorOf(const std::string& expression, const Dims& dims) {
  return fold({"return " + expression}, dims).error();
}

void expectNear(const Floats& got, const Floats& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 1e-5f) << i;
}
} // namespace

TEST(TorchOperators, NumbersListsAndStrings) {
  auto number = [](const std::string& e) { return value("torch.add(x, " + e + ")", {1}).front(); };
  EXPECT_EQ(number("torch.floordiv(-7, 2)"), -4);
  EXPECT_EQ(number("torch.remainder(-7, 2)"), 1);
  EXPECT_EQ(number("torch.div(7, 2)"), 3.5f);
  EXPECT_EQ(number("int(torch.floor(2.7))"), 2);
  EXPECT_EQ(number("torch.pow(2, 3)"), 8);
  EXPECT_EQ(number("ops.prim.max(2, 3)"), 3);
  EXPECT_EQ(number("ops.prim.min([4, 3, 5])"), 3);
  EXPECT_EQ(number("torch.len([1, 2, 3][1:])"), 2);
  EXPECT_EQ(number("{\"a\": 5}[\"a\"]"), 5);
  EXPECT_EQ(number("torch.len(torch.format(\"{}-{}\", 10, True))"), 7);
  EXPECT_EQ(number("torch.__range_length(1, 8, 3)"), 3);
  EXPECT_EQ(number("int(torch.__contains__([\"a\", \"b\"], \"b\"))"), 1);
  EXPECT_EQ(number("int(ops.prim.NumToTensor(torch.size(x, 0)))"), 1);
  EXPECT_NE(errorOf("torch.add(x, torch.floordiv(1, 0))", {1}).find("divides by zero"), std::string::npos);
  EXPECT_NE(errorOf("torch.add(x, [1][1])", {1}).find("outside a list of 1"), std::string::npos);
}

TEST(TorchOperators, Arithmetic) {
  EXPECT_EQ(value("torch.add(x, x, alpha=2)", {2}), (Floats{0, 3}));
  EXPECT_EQ(value("torch.rsub(x, 5)", {2}), (Floats{5, 4}));
  EXPECT_EQ(value("torch.div(torch.to(x, 4), 2)", {3}), (Floats{0, 0.5f, 1})); // integers divide to floats
  EXPECT_EQ(value("torch.div(torch.sub(x, 2), 2, rounding_mode=\"floor\")", {2}), (Floats{-1, -1}));
  EXPECT_EQ(value("torch.div(torch.sub(x, 3), 2, rounding_mode=\"trunc\")", {3}), (Floats{-1, -1, 0}));
  EXPECT_EQ(value("torch.remainder(torch.sub(x, 2), 3)", {3}), (Floats{1, 2, 0}));
  EXPECT_EQ(value("torch.pow(x, 3)", {3}), (Floats{0, 1, 8}));
  EXPECT_EQ(value("torch.pow(2, x)", {3}), (Floats{1, 2, 4}));
  EXPECT_EQ(value("torch.where(torch.gt(x, 1), x, torch.neg(x))", {3}), (Floats{0, -1, 2}));
  EXPECT_EQ(value("torch.masked_fill(x, torch.ne(x, 1), -1)", {3}), (Floats{-1, 1, -1}));
  EXPECT_EQ(value("torch.addcmul(x, x, x, value=2)", {3}), (Floats{0, 3, 10}));
  EXPECT_EQ(value("torch.lerp(x, torch.zeros([3]), 0.5)", {3}), (Floats{0, 0.5f, 1}));
  EXPECT_EQ(value("torch.maximum(x, torch.ones([3]))", {3}), (Floats{1, 1, 2}));
  expectNear(value("torch.rsqrt(torch.add(x, 1))", {2}), {1, std::sqrt(0.5f)});
  expectNear(value("torch.log2(torch.add(x, 1))", {2}), {0, 1});
  // Types: an integer tensor with a float number becomes float, with an integer tensor it stays.
  EXPECT_EQ(value("torch.mul(torch.arange(3), 0.5)", {1}), (Floats{0, 0.5f, 1}));
  EXPECT_EQ(fold({"return torch.mul(torch.arange(3), 2)"}, {1}).ints(), (std::vector<int64_t>{0, 2, 4}));
}

TEST(TorchOperators, Activations) {
  const Floats x = {-4, -1, 0, 2, 8};
  EXPECT_EQ(value("torch.relu(x)", {5}, x), (Floats{0, 0, 0, 2, 8}));
  EXPECT_EQ(value("torch.hardtanh(x, 0., 6.)", {5}, x), (Floats{0, 0, 0, 2, 6}));
  EXPECT_EQ(value("torch.clamp(x, -2, None)", {5}, x), (Floats{-2, -1, 0, 2, 8}));
  EXPECT_EQ(value("torch.leaky_relu(x, 0.5)", {5}, x), (Floats{-2, -0.5f, 0, 2, 8}));
  EXPECT_EQ(value("torch.threshold(x, 1, 7)", {5}, x), (Floats{7, 7, 7, 2, 8}));
  EXPECT_EQ(value("torch.softshrink(x, 1.)", {5}, x), (Floats{-3, 0, 0, 1, 7}));
  EXPECT_EQ(value("torch.softsign(x)", {5}, x), (Floats{-0.8f, -0.5f, 0, 2.0f / 3, 8.0f / 9}));
  expectNear(value("torch.hardsigmoid(x)", {5}, x), {0, 1.0f / 3, 0.5f, 5.0f / 6, 1});
  expectNear(value("torch.elu(x, 2.)", {5}, x), {2 * std::expm1(-4.0f), 2 * std::expm1(-1.0f), 0, 2, 8});
  expectNear(value("torch.softplus(x, 2., 20.)", {1}, {0.5f}), {std::log1p(std::exp(1.0f)) / 2});
  expectNear(value("torch.softmax(x, -1)", {2}, {0, std::log(3.0f)}), {0.25f, 0.75f});
  EXPECT_EQ(value("torch.prelu(x, torch.tensor([0.5, 2.]))", {1, 2, 1}, {-1, -1}), (Floats{-0.5f, -2}));
  expectNear(value("torch.glu(x, 0)", {2}, {3, 0}), {1.5f});
  EXPECT_EQ(value("torch.dropout(x, 0.5, False)", {2}), (Floats{0, 1}));
  EXPECT_NE(errorOf("torch.dropout(x, 0.5, True)", {2}).find("model.eval()"), std::string::npos);
}

TEST(TorchOperators, Convolutions) {
  EXPECT_EQ(value("torch.conv1d(x, torch.ones([1, 1, 2]), None, [1], [0], [1], 1)", {1, 1, 4}),
            (Floats{1, 3, 5}));
  EXPECT_EQ(value("torch.conv1d(x, torch.ones([1, 1, 2]), torch.ones([1]), [2])", {1, 4}),
            (Floats{2, 6})); // no batch
  EXPECT_EQ(value("torch.conv1d(x, torch.ones([1, 1, 2]), None, [1], \"same\")", {1, 1, 3}),
            (Floats{1, 3, 2}));
  EXPECT_EQ(value("torch._convolution(x, torch.ones([1, 1, 2]), None, [2], [0], [1], True, [0], 1, False, "
                  "False, True, True)",
                  {1, 1, 2}),
            (Floats{0, 0, 1, 1}));
  EXPECT_EQ(shape("torch.conv_transpose2d(x, torch.ones([4, 3, 3, 3]), None, [2, 2], [1, 1], [1, 1], 2)",
                  {1, 4, 5, 6}),
            "[1,6,10,12]");
  EXPECT_EQ(shape("torch.conv3d(x, torch.ones([2, 1, 3, 3, 3]), None, 1, [1, 0, 1], 1, 2)", {1, 2, 4, 5, 6}),
            "[1,2,4,3,6]");
  EXPECT_NE(errorOf("torch.conv1d(x, torch.ones([1, 1, 2]), None, [0])", {1, 1, 4}).find("stride"),
            std::string::npos);
}

TEST(TorchOperators, Pooling) {
  EXPECT_EQ(value("torch.max_pool1d(x, [2], [2], [0], [1], True)", {1, 1, 5}), (Floats{1, 3, 4}));
  EXPECT_EQ(value("torch.max_pool1d(x, [2], [2])", {1, 5}), (Floats{1, 3}));
  EXPECT_EQ(value("torch.avg_pool1d(x, [3], [2], [1], False, True)", {1, 1, 5}),
            (Floats{1.0f / 3, 2, 7.0f / 3}));
  EXPECT_EQ(value("torch.avg_pool1d(x, [3], [2], [1], False, False)", {1, 1, 5}), (Floats{0.5f, 2, 3.5f}));
  EXPECT_EQ(value("torch.avg_pool2d(x, [1, 2], [], [0, 0], False, True, 1)", {1, 1, 1, 4}), (Floats{1, 5}));
  EXPECT_EQ(value("torch.adaptive_avg_pool1d(x, [2])", {1, 1, 5}), (Floats{1, 3})); // windows 0..2 and 2..4
  EXPECT_EQ(value("torch.adaptive_avg_pool2d(x, [1, 1])", {1, 1, 2, 2}), Floats{1.5f});
  EXPECT_EQ(shape("torch.adaptive_avg_pool2d(x, [None, 2])", {1, 1, 3, 6}), "[1,1,3,2]");
  EXPECT_EQ(value("torch.adaptive_max_pool1d(x, [2])[0]", {1, 1, 5}), (Floats{2, 4}));
  EXPECT_EQ(fold({"return (torch.max_pool2d_with_indices(x, [2, 2]))[1]"}, {1, 2, 2, 2}).ints(),
            (std::vector<int64_t>{3, 3}));
  EXPECT_NE(errorOf("torch.max_pool1d(x, [9])", {1, 1, 5}).find("does not fit"), std::string::npos);
}

TEST(TorchOperators, Normalisation) {
  const std::string tail = ", False, 0.1, 0., True)", one = "torch.ones([1])", two = "torch.full([1], 2.)";
  EXPECT_EQ(value("torch.batch_norm(x, " + two + ", " + one + ", " + one + ", torch.full([1], 4.)" + tail,
                  {1, 1, 2}),
            (Floats{0, 1}));
  EXPECT_EQ(value("torch.batch_norm(x, None, None, " + one + ", " + one + tail, {1, 1, 2}), (Floats{-1, 0}));
  EXPECT_NE(errorOf("torch.batch_norm(x, None, None, None, None, True, 0.1, 0., True)", {1, 1, 2})
                .find("model.eval()"),
            std::string::npos);
  EXPECT_EQ(value("torch.layer_norm(x, [2], None, None, 0.)", {2, 2}), (Floats{-1, 1, -1, 1}));
  EXPECT_EQ(value("torch.group_norm(x, 1, None, None, 0.)", {1, 2, 1}), (Floats{-1, 1}));
  EXPECT_EQ(value("torch.instance_norm(x, None, None, None, None, True, 0.1, 0., True)", {1, 1, 2}),
            (Floats{-1, 1}));
  expectNear(value("torch.rms_norm(x, [2])", {2}, {3, 4}), {3 / std::sqrt(12.5f), 4 / std::sqrt(12.5f)});
}

TEST(TorchOperators, Products) {
  EXPECT_EQ(value("torch.linear(x, torch.tensor([[1., 2.], [3., 4.]]), torch.ones([2]))", {1, 2}),
            (Floats{3, 5}));
  EXPECT_EQ(value("torch.matmul(x, torch.t(x))", {1, 3}), Floats{5});
  EXPECT_EQ(value("torch.addmm(torch.ones([1, 1]), x, torch.t(x), beta=2, alpha=3)", {1, 3}), Floats{17});
  EXPECT_EQ(value("torch.einsum(\"ij,kj->ki\", [x, x])", {1, 3}), Floats{5});
  EXPECT_EQ(value("torch.outer(x, x)", {2}), (Floats{0, 0, 0, 1}));
}

TEST(TorchOperators, ShapesAndParts) {
  EXPECT_EQ(shape("torch.view(x, [2, -1])", {2, 3, 4}), "[2,12]");
  EXPECT_EQ(shape("torch.flatten(x, 1)", {2, 3, 4}), "[2,12]");
  EXPECT_EQ(shape("torch.unflatten(x, 1, [3, -1])", {2, 12}), "[2,3,4]");
  EXPECT_EQ(shape("torch.squeeze(torch.unsqueeze(x, -1))", {2, 1, 3}), "[2,3]");
  EXPECT_EQ(shape("torch.permute(x, [2, 0, 1])", {2, 3, 4}), "[4,2,3]");
  EXPECT_EQ(shape("torch.movedim(x, 0, -1)", {2, 3, 4}), "[3,4,2]");
  EXPECT_EQ(value("torch.transpose(x, 0, 1)", {2, 2}), (Floats{0, 2, 1, 3}));
  EXPECT_EQ(value("torch.slice(x, 0, -3, 9223372036854775807, 2)", {5}), (Floats{2, 4}));
  EXPECT_EQ(value("torch.select(x, 1, -1)", {2, 2}), (Floats{1, 3}));
  EXPECT_EQ(value("torch.narrow(x, 0, 1, 2)", {4}), (Floats{1, 2}));
  EXPECT_EQ(value("torch.chunk(x, 2, 0)[1]", {5}), (Floats{3, 4}));
  EXPECT_EQ(value("torch.split(x, 2, 0)[2]", {5}), Floats{4});
  EXPECT_EQ(value("torch.split_with_sizes(x, [1, 4], 0)[0]", {5}), Floats{0});
  EXPECT_EQ(value("torch.unbind(x, 1)[1]", {2, 2}), (Floats{1, 3}));
  EXPECT_NE(errorOf("torch.view(x, [5, -1])", {2, 3}).find("cannot have the shape"), std::string::npos);
  EXPECT_NE(errorOf("torch.select(x, 0, 7)", {2}).find("outside a dimension of 2"), std::string::npos);
}

TEST(TorchOperators, JoinedAndRearranged) {
  EXPECT_EQ(value("torch.cat([x, torch.arange(2)], 0)", {2}), (Floats{0, 1, 0, 1}));
  EXPECT_EQ(value("torch.stack([x, x], 1)", {2}), (Floats{0, 0, 1, 1}));
  EXPECT_EQ(value("torch.expand(x, [2, -1])", {1, 2}), (Floats{0, 1, 0, 1}));
  EXPECT_EQ(value("torch.repeat(x, [2, 1])", {2}), (Floats{0, 1, 0, 1}));
  EXPECT_EQ(value("torch.repeat_interleave(x, 2)", {2}), (Floats{0, 0, 1, 1}));
  EXPECT_EQ(value("torch.pad(x, [1, 2], \"constant\", 7.)", {2}), (Floats{7, 0, 1, 7, 7}));
  EXPECT_EQ(value("torch.reflection_pad1d(x, [1, 1])", {1, 1, 3}), (Floats{1, 0, 1, 2, 1}));
  EXPECT_EQ(value("torch.replication_pad1d(x, [1, 0])", {1, 1, 2}), (Floats{0, 0, 1}));
  EXPECT_EQ(value("torch.pixel_shuffle(x, 2)", {1, 4, 1, 1}), (Floats{0, 1, 2, 3}));
  EXPECT_EQ(value("torch.pixel_unshuffle(x, 2)", {1, 1, 2, 2}), (Floats{0, 1, 2, 3}));
  EXPECT_EQ(value("torch.channel_shuffle(x, 2)", {1, 4, 1}), (Floats{0, 2, 1, 3}));
  EXPECT_EQ(value("torch.flip(x, [0])", {3}), (Floats{2, 1, 0}));
  EXPECT_EQ(value("torch.roll(x, [1], [0])", {3}), (Floats{2, 0, 1}));
  EXPECT_EQ(value("torch.to(torch.mul(x, 0.6), 4)", {3}), (Floats{0, 0, 1}));
  EXPECT_EQ(value("torch.meshgrid([x, x])[1]", {2}), (Floats{0, 1, 0, 1}));
}

TEST(TorchOperators, Indices) {
  EXPECT_EQ(value("torch.embedding(x, torch.tensor([1, 0]))", {2, 2}), (Floats{2, 3, 0, 1}));
  EXPECT_EQ(value("torch.index_select(x, 1, torch.tensor([1]))", {2, 2}), (Floats{1, 3}));
  EXPECT_EQ(value("torch.gather(x, 1, torch.tensor([[1], [0]]))", {2, 2}), (Floats{1, 2}));
  EXPECT_EQ(value("torch.index(x, [None, torch.tensor([-1])])", {2, 2}), (Floats{1, 3}));
  EXPECT_EQ(value("torch.index(x, [torch.tensor([0, 1]), torch.tensor([1, -1])])", {2, 2}), (Floats{1, 3}));
  EXPECT_EQ(value("torch.index(x, [torch.tensor([True, False])])", {2, 2}), (Floats{0, 1}));
  EXPECT_EQ(value("torch.index_put(x, [torch.tensor([1])], torch.tensor([9.]))", {3}), (Floats{0, 9, 2}));
  EXPECT_EQ(value("torch.scatter(x, 0, torch.tensor([2]), 5)", {3}), (Floats{0, 1, 5}));
  EXPECT_EQ(value("torch.scatter_add(x, 0, torch.tensor([2]), torch.ones([1]))", {3}), (Floats{0, 1, 3}));
  EXPECT_EQ(fold({"return torch.one_hot(torch.tensor([1]), 3)"}, {1}).ints(),
            (std::vector<int64_t>{0, 1, 0}));
}

TEST(TorchOperators, Reductions) {
  EXPECT_EQ(value("torch.sum(x)", {4}), Floats{6});
  EXPECT_EQ(value("torch.sum(x, [1], True)", {2, 2}), (Floats{1, 5}));
  EXPECT_EQ(value("torch.mean(x, [0, 1])", {2, 2}), Floats{1.5f});
  EXPECT_EQ(value("(torch.max(x, 1))[0]", {2, 2}), (Floats{1, 3}));
  EXPECT_EQ(fold({"return (torch.min(x, 1))[1]"}, {2, 2}).ints(), (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(fold({"return torch.argmax(x)"}, {2, 2}).ints(), std::vector<int64_t>{3});
  EXPECT_EQ(value("torch.amin(x, [1])", {2, 2}), (Floats{0, 2}));
  EXPECT_EQ(value("torch.norm(x, 2)", {2}, {3, 4}), Floats{5});
  EXPECT_EQ(value("torch.norm(x, inf, [0])", {2}, {3, -4}), Floats{4});
  EXPECT_EQ(value("torch.var(x, [0], False)", {2}), Floats{0.25f});
  EXPECT_EQ(value("torch.var(x, [0], correction=1, keepdim=True)", {3}), Floats{1});
  expectNear(value("torch.logsumexp(x, [0])", {2}, {0, 0}), {std::log(2.0f)});
  EXPECT_EQ(value("(torch.topk(x, 2))[0]", {4}), (Floats{3, 2}));
  EXPECT_EQ(value("(torch.sort(x, 0, True))[0]", {3}), (Floats{2, 1, 0}));
  EXPECT_EQ(value("torch.cumsum(x, 0)", {4}), (Floats{0, 1, 3, 6}));
  EXPECT_EQ(fold({"return torch.any(torch.gt(x, 2))"}, {3}).ints(), std::vector<int64_t>{0});
  EXPECT_EQ(fold({"return torch.all(torch.ge(x, 0))"}, {3}).ints(), std::vector<int64_t>{1});
}

TEST(TorchOperators, Generators) {
  EXPECT_EQ(value("torch.add(torch.zeros([2]), torch.ones_like(x))", {2}), (Floats{1, 1}));
  EXPECT_EQ(fold({"return torch.arange(1, 7, 2, dtype=None)"}, {1}).ints(), (std::vector<int64_t>{1, 3, 5}));
  EXPECT_EQ(value("torch.arange(0., 1., 0.5)", {1}), (Floats{0, 0.5f}));
  EXPECT_EQ(value("torch.linspace(0, 1, 3)", {1}), (Floats{0, 0.5f, 1}));
  EXPECT_EQ(value("torch.eye(2)", {1}), (Floats{1, 0, 0, 1}));
  EXPECT_EQ(value("torch.tril(x)", {2, 2}), (Floats{0, 0, 2, 3}));
  EXPECT_EQ(value("torch.new_full(x, [2], 7)", {1}), (Floats{7, 7}));
  EXPECT_EQ(value("torch.tensor([[1.5], [2.]])", {1}), (Floats{1.5f, 2}));
  EXPECT_NE(errorOf("torch.zeros([-1])", {1}).find("not possible"), std::string::npos);
}

TEST(TorchOperators, Resizing) {
  EXPECT_EQ(value("torch.upsample_nearest1d(x, None, [2.])", {1, 1, 2}), (Floats{0, 0, 1, 1}));
  EXPECT_EQ(value("torch.upsample_nearest1d(x, [3], None)", {1, 1, 2}), (Floats{0, 0, 1}));
  EXPECT_EQ(value("torch.upsample_linear1d(x, [4], False, None)", {1, 1, 2}), (Floats{0, 0.25f, 0.75f, 1}));
  EXPECT_EQ(value("torch.upsample_linear1d(x, [3], True, None)", {1, 1, 2}), (Floats{0, 0.5f, 1}));
  EXPECT_EQ(shape("torch.upsample_bilinear2d(x, [4, 6], False, 2., 2.)", {1, 1, 2, 3}), "[1,1,4,6]");
  EXPECT_EQ(value("torch._upsample_nearest_exact1d(x, [2], None)", {1, 1, 3}), (Floats{0, 2}));
}

// With all weights one and no biases, a step is easily followed by hand.
TEST(TorchOperators, Recurrence) {
  const std::string weights = "[torch.ones([1, 1]), torch.ones([1, 1])]";
  EXPECT_EQ(value("(torch.rnn_relu(x, torch.zeros([1, 1, 1]), " + weights +
                      ", False, 1, 0., False, False, False))[0]",
                  {3, 1, 1}),
            (Floats{0, 1, 3}));
  // Gates of a GRU: reset, update, new. An update gate that is closed (bias 100) keeps the state.
  const std::string gru =
      "[torch.zeros([3, 1]), torch.zeros([3, 1]), torch.tensor([0., 100., 0.]), torch.zeros([3])]";
  EXPECT_EQ(
      value("(torch.gru(x, torch.full([1, 1, 1], 5.), " + gru + ", True, 1, 0., False, False, True))[1]",
            {1, 2, 1}),
      Floats{5});
  // Gates of an LSTM: input, forget, cell, output. Open forget gate, closed input gate, open output gate.
  const std::string lstm =
      "torch.zeros([4, 1]), torch.zeros([4, 1]), torch.tensor([-100., 100., 0., 100.]), torch.zeros([4])";
  expectNear(
      value("(torch.lstm_cell(x, [torch.zeros([1, 1]), torch.full([1, 1], 2.)], " + lstm + "))[0]", {1, 1}),
      {std::tanh(2.0f)});
  EXPECT_EQ(shape("(torch.lstm(x, [torch.zeros([2, 1, 1]), torch.zeros([2, 1, 1])], [" + lstm + ", " + lstm +
                      "], True, 1, 0., False, True, False))[0]",
                  {3, 1, 1}),
            "[3,1,2]");
  EXPECT_NE(errorOf("(torch.rnn_relu(x, torch.zeros([1, 1, 1]), [], False, 1, 0., False, False, False))[0]",
                    {3, 1, 1})
                .find("parameters"),
            std::string::npos);
  const std::string projected = lstm + ", torch.full([1, 1], 0.5)";
  auto network = [&](const std::string& h) {
    return "(torch.lstm(x, [" + h + ", torch.full([1, 1, 1], 2.)], [" + projected +
           "], True, 1, 0., False, False, False))";
  };
  expectNear(value(network("torch.zeros([1, 1, 1])") + "[0]", {1, 1, 1}), {0.5f * std::tanh(2.0f)});
  expectNear(value(network("torch.zeros([1, 1, 1])") + "[1]", {1, 1, 1}), {0.5f * std::tanh(2.0f)});
  expectNear(value(network("torch.zeros([1, 1, 1])") + "[2]", {1, 1, 1}), {2.0f});
  EXPECT_NE(errorOf(network("torch.full([1, 1, 1], 3.)") + "[0]", {1, 1, 1}).find("start at zero"),
            std::string::npos);
}

TEST(TorchOperators, Attention) {
  // Equal scores: the mean of the values; causal: the mean of those so far.
  const std::string q = "torch.zeros([2, 1])";
  EXPECT_EQ(value("torch.scaled_dot_product_attention(" + q + ", " + q + ", x)", {2, 1}, {2, 4}),
            (Floats{3, 3}));
  EXPECT_EQ(
      value("torch.scaled_dot_product_attention(" + q + ", " + q + ", x, None, 0., True)", {2, 1}, {2, 4}),
      (Floats{2, 3}));
  EXPECT_EQ(
      value("torch.scaled_dot_product_attention(" + q + ", " + q + ", x, torch.tensor([[False, True]]))",
            {2, 1}, {2, 4}),
      (Floats{4, 4}));
}

TEST(TorchOperators, Quantization) {
  EXPECT_EQ(value("torch.dequantize(torch.quantize_per_tensor(x, 0.5, 1, 13))", {3}, {-9, 0.6f, 1.3f}),
            (Floats{-0.5f, 0.5f, 1.5f}));
  // What knows nothing of quantization keeps its input's scale.
  EXPECT_EQ(value("torch.dequantize(torch.mean(torch.quantize_per_tensor(x, 1., 0, 13), [0]))", {2}),
            Floats{0});
  EXPECT_EQ(value("torch.dequantize(ops.quantized.add(torch.quantize_per_tensor(x, 1., 0, 13), "
                  "torch.quantize_per_tensor(x, 1., 0, 13), 4., 0))",
                  {3}, {1, 2, 3}),
            (Floats{0, 4, 8}));
}

TEST(TorchOperators, TableIsListed) {
  auto list = torch::operatorList();
  EXPECT_GT(list.size(), 300u);
  EXPECT_TRUE(std::any_of(list.begin(), list.end(),
                          [](auto& op) { return op.domain == "aten" && op.name == "conv2d"; }));
}
