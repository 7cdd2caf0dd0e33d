#include "lib/import/torch/test_archive.h"

using namespace burin;
using namespace burin::torch::test;

TEST(TorchEvaluator, FoldsNumbersAndLoops) {
  Imported y = fold({"n = torch.size(x, -1)", "total = annotate(List[int], [])",
                     "for i in range(torch.len(torch.size(x))):",
                     "  _0 = torch.append(total, torch.mul(n, torch.add(i, 1)))", "k = 0",
                     "while torch.lt(k, 4):", "  k = torch.add(k, 3)", "if torch.gt(k, 5):",
                     "  z = torch.full([2], total[1])", "else:", "  z = torch.zeros([k])", "return z"},
                    {2, 5});
  ASSERT_TRUE(y.ok()) << y.error();
  EXPECT_EQ(y.ints(), (std::vector<int64_t>{10, 10}));
}

TEST(TorchEvaluator, ModulesFunctionsAndNamedTuples) {
  Model model;
  model.code(R"(class Pair(NamedTuple):
  first : Tensor
  second : Tensor
class Net(Module):
  scale : Final[float] = 2.
  inner : __torch__.nn.Inner
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
    inner = self.inner
    p = __torch__.Pair((inner).forward(x, ), x)
    f = __torch__.nn.twice
    y = f(p.first, )
    return torch.mul(torch.add(y, p.second), self.scale)
)");
  model.source("__torch__/nn.py", R"(class Inner(Module):
  def forward(self: __torch__.nn.Inner,
    x: Tensor,
    by: int=3) -> Tensor:
    return torch.mul(x, by)
def twice(x: Tensor) -> Tensor:
  _0 = torch.add(x, x)
  return _0
)");
  model.attribute("inner", Pickler().global("__torch__.nn", "Inner").raw(")\x81}b"));
  ImportOptions options;
  options.boundInputs["x"] = burin::test::boundFloats({2}, {1, 2});
  Imported y = import(model.bytes(), options);
  ASSERT_TRUE(y.ok()) << y.error();
  EXPECT_EQ(y.floats(), (std::vector<float>{14, 28}));
  // Names: the module's path, the variable of a call, the operator.
  Imported g = graph(model, {2});
  ASSERT_TRUE(g.ok()) << g.error();
  EXPECT_EQ(namedOps(g), (std::vector<std::string>{"binary inner", "binary y", "binary add", "binary mul"}));
}

TEST(TorchEvaluator, WeightsKeepTheirNamesAndStrides) {
  Model model;
  model.forward(
      {"weight = self.weight", "other = self.other", "return torch.add(torch.mul(x, weight), other)"});
  model.weight("weight", {3}, {1, 2, 3});
  // The second column of a 3 x 2 matrix of doubles.
  const double doubles[] = {9, 10, 9, 20, 9, 30};
  model.attribute("other", Pickler().tensor("d", {3}, {2}, 1, "DoubleStorage"));
  model.record("data/d", std::string(reinterpret_cast<const char*>(doubles), sizeof doubles));
  ImportOptions options;
  options.boundInputs["x"] = burin::test::boundFloats({3}, {1, 1, 1});
  Imported y = import(model.bytes(), options);
  ASSERT_TRUE(y.ok()) << y.error();
  EXPECT_EQ(y.floats(), (std::vector<float>{11, 22, 33}));
  Imported g = graph(model, {3});
  std::vector<std::string> names;
  g.result->module->walk([&](nn::ConstantOp op) { names.push_back(nn::valueName(op)); });
  EXPECT_EQ(names, (std::vector<std::string>{"weight", "other"}));
}

TEST(TorchEvaluator, WritingInPlaceChangesEveryView) {
  // y[0, 1:] = 10; z, a transposed view made before, shows it; so does x after relu_ of all.
  Imported y = fold({"z = torch.t(x)", "row = torch.slice(torch.select(x, 0, 0), 0, 1, 3)",
                     "_0 = torch.fill_(row, 10)", "_1 = torch.neg_(torch.select(x, 1, 0))",
                     "return (z, x, torch.slice(row, 0, 0, 9223372036854775807, 2))"},
                    {2, 3});
  ASSERT_TRUE(y.ok()) << y.error();
  EXPECT_EQ(y.floats(0), (std::vector<float>{0, -3, 10, 4, 10, 5}));
  EXPECT_EQ(y.floats(1), (std::vector<float>{0, 10, 10, -3, 4, 5}));
  EXPECT_EQ(y.floats(2), (std::vector<float>{10}));
  Imported steps = fold({"_0 = torch.copy_(torch.slice(x, 0, 1, 6, 2), torch.ones([3]))", "return x"}, {6});
  ASSERT_TRUE(steps.ok()) << steps.error();
  EXPECT_EQ(steps.floats(), (std::vector<float>{0, 1, 2, 1, 4, 1}));
}

TEST(TorchEvaluator, InputsNeedShapes) {
  Imported y = import(Model().forward({"return x"}).bytes());
  EXPECT_EQ(y.result.error().code, ErrorCode::Usage);
  EXPECT_EQ(y.error(), "input 'x' has no shape; give --input-shapes \"x:1xN\" with a number for every N");
}

TEST(TorchEvaluator, IndicesMakeTheirInputIntegers) {
  Model model;
  model.forward({"weight = self.weight", "return torch.embedding(weight, torch.view(x, [-1]))"});
  model.weight("weight", {3, 2}, {0, 1, 2, 3, 4, 5});
  Imported y = graph(model, {1, 4});
  ASSERT_TRUE(y.ok()) << y.error();
  EXPECT_EQ(y.shapeList(), "[4,2]");
  rt::DType type = rt::DType::F32;
  y.result->module->walk([&](nn::InputOp op) { type = nn::typeOf(op.getResult()).dtype; });
  EXPECT_EQ(type, rt::DType::I64);
}

TEST(TorchEvaluator, CutsAndOutputs) {
  Model model;
  model.forward({"a = torch.exp(x)", "b = torch.sqrt(a)", "c = torch.unheard_of(b)", "return c"});
  ImportOptions options;
  options.outputs = {"b"};
  Imported y = graph(model, {4}, options);
  ASSERT_TRUE(y.ok()) << y.error();
  EXPECT_EQ(namedOps(y), (std::vector<std::string>{"unary a", "unary b"}));
  EXPECT_EQ(outputNames(y), std::vector<std::string>{"b"});
  options.inputs = {"a"};
  Imported cut = graph(model, {4}, options);
  ASSERT_TRUE(cut.ok()) << cut.error();
  EXPECT_EQ(namedOps(cut), std::vector<std::string>{"unary b"});
  options.outputs = {"nowhere"};
  EXPECT_NE(graph(model, {4}, options).error().find("unheard_of"), std::string::npos);
}

TEST(TorchEvaluator, UnsupportedOperatorsAreReportedTogether) {
  Imported y =
      graph(Model().forward({"a = torch.unheard_of(x)", "b = torch.another(a)", "c, d, = torch.unheard_of(b)",
                             "e = torch.relu(torch.add(c, torch.dropout(x, 0.5, True)))", "return e"}),
            {4});
  EXPECT_EQ(y.result.error().code, ErrorCode::Unsupported);
  for (const char* part : {"aten::unheard_of", "aten::another", "2", "model.eval()"})
    EXPECT_NE(y.error().find(part), std::string::npos) << y.error();
}

TEST(TorchEvaluator, LimitsHold) {
  ImportOptions options;
  options.maxLoopIterations = 8;
  auto error = [&](const std::vector<std::string>& lines) {
    return graph(Model().forward(lines), {4}, options).error();
  };
  EXPECT_NE(error({"for i in range(9):", "  pass", "return x"}).find("9 rounds"), std::string::npos);
  EXPECT_NE(error({"while True:", "  pass", "return x"}).find("more than 8 rounds"), std::string::npos);
  EXPECT_NE(error({"return (self).forward(x, )"}).find("calls itself"), std::string::npos);
  options.maxLoopIterations = 1000;
  EXPECT_NE(
      error({"a = [1, 2, 3]", "for i in range(100):", "  a = torch.add(a, a)", "return x"}).find("too long"),
      std::string::npos);
  EXPECT_NE(error({"if torch.gt(x, 0):", "  pass", "else:", "  pass", "return x"}).find("branches on"),
            std::string::npos);
}

TEST(TorchEvaluator, DamagedArchives) {
  EXPECT_NE(import("PK").error().find("zip"), std::string::npos);
  Model model;
  model.forward({"return torch.add(x, self.weight)"}).weight("weight", {3}, {1, 2});
  EXPECT_NE(graph(model, {3}).error().find("too short for a tensor of 3"), std::string::npos);
  Model missing;
  missing.forward({"return torch.add(x, self.weight)"}).attribute("weight", Pickler().tensor("9", {3}, {1}));
  EXPECT_NE(graph(missing, {3}).error().find("'data/9' is missing"), std::string::npos);
  Model huge; // one element that pretends to be many
  huge.forward({"return torch.add(x, self.weight)"});
  huge.attribute("weight", Pickler().tensor("h", {1 << 30, 1 << 30}, {0, 0})).record("data/h", "abcd");
  EXPECT_FALSE(graph(huge, {3}).ok());
  EXPECT_NE(graph(Model().source("other.py", ""), {3}).error().find("no method 'forward'"),
            std::string::npos);
}

TEST(TorchEvaluator, WeightsWithoutANetworkAreExplained) {
  Model dict; // no code
  dict.pickle(Pickler().raw("}(").text("w").tensor("0", {1}, {1}).raw("u.").bytes).record("data/0", "abcd");
  Imported y = import(dict.bytes());
  EXPECT_EQ(y.result.error().code, ErrorCode::Unsupported);
  EXPECT_NE(y.error().find("1 tensors of weights"), std::string::npos);
  EXPECT_NE(y.error().find("torch.jit.trace"), std::string::npos);
  Model foreign;
  foreign.pickle(Pickler().global("models.yolo", "Model").raw(")\x81.").bytes);
  EXPECT_NE(import(foreign.bytes()).error().find("models.yolo.Model"), std::string::npos);
}
