// Archives made to take time or memory: small, and without end once they are believed.
#include "lib/import/torch/test_archive.h"

using namespace burin;
using namespace burin::torch::test;

namespace {
void expectError(const Imported& model, const std::string& part) {
  EXPECT_NE(model.error().find(part), std::string::npos) << model.error();
}

// A list of 8^12 ones that takes a hundred values to hold, in the variable `name`.
std::vector<std::string> endlessList(const std::string& name) {
  return {name + " = [1]", "for i in range(12):", "  " + name + " = torch.mul([" + name + "], 8)"};
}

Imported forward(const std::vector<std::string>& lines) { return graph(Model().forward(lines), {4}); }
} // namespace

TEST(TorchHostile, ListsThatShareTheirItemsEndComparisonsAndResults) {
  std::vector<std::string> lines = endlessList("a"), other = endlessList("b");
  lines.insert(lines.end(), other.begin(), other.end());
  std::vector<std::string> compared = lines, searched = lines;
  compared.insert(compared.end(), {"if torch.eq(a, b):", "  pass", "return x"});
  expectError(forward(compared), "compares too many values");
  searched.insert(searched.end(), {"if torch.__contains__([a], b):", "  pass", "return x"});
  expectError(forward(searched), "compares too many values");
  lines.push_back("return a");
  expectError(forward(lines), "too many parts");
}

TEST(TorchHostile, DataThatHoldsItselfEnds) {
  Model model;
  model.forward({"c = self.cycle", "if torch.eq(c, c[0]):", "  pass", "return c"});
  model.attribute("cycle", Pickler().raw(std::string("]q\0h\0a", 6)));
  expectError(graph(model, {4}), "nested too deeply");
}

TEST(TorchHostile, FormattedTextIsBounded) {
  std::vector<std::string> lines = {"s = \"{}\""};
  for (int i = 0; i < 11; ++i) lines.push_back("s = torch.add(s, s)"); // as long as texts are printed
  std::string arguments;
  for (int i = 0; i < 1000; ++i) arguments += "s, ";
  lines.insert(lines.end(), {"t = torch.format(s, " + arguments + ")", "return x"});
  expectError(forward(lines), "strings are too long");
}

TEST(TorchHostile, CompressedRecordsAreCounted) {
  Model model;
  model.forward({"return torch.add(x, self.weight)"})
      .weight("weight", {1 << 20}, std::vector<float>(1 << 20));
  ImportOptions options;
  options.inputShapes["x"] = {1};
  EXPECT_TRUE(import(model.bytes(true), options).ok());
  options.foldLimits.totalBytes = 1 << 20;
  expectError(import(model.bytes(true), options), "compressed records become too big at 'data/0'");
}

TEST(TorchHostile, SizesBesideAZeroAreNumbersToo) {
  Model model;
  model.forward({"return torch.add(x, self.weight)"});
  constexpr int64_t kLarge = 0x7fffffff;
  model.attribute("weight", Pickler().tensor("w", {kLarge, kLarge, kLarge, 0}, {0, 0, 0, 1}));
  expectError(graph(model.record("data/w", "abcd"), {1}), "'data/w' is too short for a tensor");
}

TEST(TorchHostile, PicklesAndSourcesAreBounded) {
  Model many;
  many.forward({"return x"}).pickle("\x80\x02" + std::string((1 << 23) + 1, ']') + ".");
  expectError(graph(many, {4}), "holds too many values");
  Model longSource;
  longSource.forward({"return x"}).code("#" + std::string(1 << 23, 'x') + "\n");
  expectError(graph(longSource, {4}), "'code/__torch__.py' is larger than");
}

TEST(TorchHostile, DeepPicklesEnd) {
  Model model;
  model.forward({"return self.deep"});
  model.attribute("deep", Pickler().raw("N" + std::string(1 << 20, '\x85')));
  expectError(graph(model, {4}), "nested too deeply");
}

TEST(TorchNames, NumbersLeaveTheirNamesToTensors) {
  Imported y = graph(Model().forward({"return torch.add(torch.add(x, torch.mul(2, 3)), "
                                      "torch.mul(torch.mul(x, 2), torch.mul(x, 3)))"}),
                     {4});
  ASSERT_TRUE(y.ok()) << y.error();
  EXPECT_EQ(namedOps(y), (std::vector<std::string>{"binary add", "binary mul", "binary mul_1", "binary mul_2",
                                                   "binary add_1"}));
}
