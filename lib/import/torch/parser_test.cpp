#include "lib/import/torch/schema.h"
#include "lib/import/torch/syntax.h"

#include <gtest/gtest.h>

using namespace burin;
using namespace burin::torch;

namespace {
std::string errorOf(const std::string& text) {
  auto parsed = parseSource(text);
  return parsed ? std::string() : parsed.error().text();
}
} // namespace

TEST(TorchParser, ClassesAndFunctions) {
  auto parsed = parseSource(R"(op_version_set = 1
)");
  EXPECT_FALSE(parsed.has_value());
  parsed = parseSource(R"(class Net(Module):
  __parameters__ = ["weight", ]
  weight : Tensor
  stride : Final[Tuple[int, int]] = (1, -2)
  __annotations__["0"] = __torch__.Block
  def forward(self: __torch__.Net,
    x: Tensor,
    hx: Optional[Tuple[Tensor, Tensor]]=None) -> Tuple[Tensor, Tensor]:
    a, b, = (self).split(x, n=2, )  # comment
    c : Optional[int] = None

    if torch.__is__(hx, None):
      return (a, b)
    else:
      pass
    while torch.lt(1, 2):
      self.count = 3
    for i in range(4):
      c = {"k": [1., 2e-05, "a\n\"b\x41"][0:1]}
    return a, b
def relu(x: Tensor) -> Tensor:
  return torch.relu(x)
)");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().text();
  ASSERT_EQ(parsed->classes.size(), 1u);
  const ClassDefinition& net = parsed->classes[0];
  EXPECT_EQ(net.base, "Module");
  EXPECT_EQ(net.fields, std::vector<std::string>{"weight"});
  EXPECT_EQ(net.constants.back().first, "stride");
  ASSERT_EQ(net.methods.size(), 1u);
  const FunctionDefinition& forward = net.methods[0];
  EXPECT_EQ(forward.parameters[2].type, "Optional[Tuple[Tensor,Tensor]]");
  EXPECT_TRUE(forward.parameters[2].fallback);
  ASSERT_EQ(forward.body.size(), 6u);
  EXPECT_TRUE(forward.body[0]->unpacks);
  EXPECT_EQ(forward.body[0]->value->keywords, std::vector<std::string>{"n"});
  EXPECT_EQ(forward.body[2]->kind, Statement::Kind::If);
  EXPECT_EQ(forward.body[3]->kind, Statement::Kind::While);
  const Expression& slice = *forward.body[4]->body[0]->value->children[1];
  EXPECT_EQ(slice.kind, Expression::Kind::Slice);
  EXPECT_EQ(slice.children[0]->children[2]->text, "a\n\"bA");
  EXPECT_EQ(slice.children[0]->children[1]->real, 2e-5);
  EXPECT_EQ(forward.body[5]->value->kind, Expression::Kind::Tuple);
  EXPECT_EQ(parsed->functions[0].name, "relu");
}

TEST(TorchParser, ErrorsNameTheLine) {
  EXPECT_EQ(errorOf("def f(x: Tensor):\n  return (x\n"),
            "line 3: ',' is expected, not the end of the line; the file is damaged; save it again");
  EXPECT_NE(errorOf("def f():\n  x = 1 + 2\n").find("'+'") == std::string::npos
                ? errorOf("def f():\n  x = 1 + 2\n").find("not part of TorchScript")
                : size_t(0),
            std::string::npos);
  EXPECT_NE(errorOf("def f():\nreturn\n").find("indented block"), std::string::npos);
  EXPECT_NE(errorOf("def f():\n    pass\n  pass\n").find("indentation"), std::string::npos);
  EXPECT_NE(errorOf("def f():\n  x = \"abc\n").find("string does not end"), std::string::npos);
  EXPECT_NE(errorOf("def f():\n  x = 2j\n").find("complex"), std::string::npos);
}

TEST(TorchParser, DepthIsBounded) {
  std::string deep = "def f():\n  x = " + std::string(100000, '(') + "1" + std::string(100000, ')') + "\n";
  EXPECT_NE(errorOf(deep).find("nested too deeply"), std::string::npos);
  std::string chain = "def f():\n  x = a";
  for (int i = 0; i < 100000; ++i) chain += ".b";
  EXPECT_NE(errorOf(chain + "\n").find("nested too deeply"), std::string::npos);
  std::string blocks = "def f():\n";
  for (size_t i = 1; i < 2000; ++i) blocks += std::string(i, ' ') + "if a:\n";
  EXPECT_NE(errorOf(blocks).find("nested too deeply"), std::string::npos);
}

TEST(TorchSchema, BindsArguments) {
  Heap heap;
  Schema schema = parseSchema(
      "sum(Tensor self, int[1]? dim=None, bool keepdim=False, *, int? dtype=None) -> (Tensor, Tensor)");
  EXPECT_EQ(schema.name, "sum");
  EXPECT_EQ(schema.results, 2);
  Tensor* x = heap.tensor();
  auto bound = bindArguments(schema, {{"", x}, {"", int64_t{1}}, {"dtype", int64_t{6}}}, heap);
  ASSERT_TRUE(bound.has_value());
  EXPECT_EQ(textOf((*bound)[1]), "1");
  EXPECT_EQ(textOf((*bound)[2]), "False");
  EXPECT_EQ(textOf((*bound)[3]), "6");
  x->stored.emplace();                                                  // known, so that it is no wildcard
  EXPECT_FALSE(bindArguments(schema, {{"", int64_t{1}}}, heap));        // no tensor
  EXPECT_FALSE(bindArguments(schema, {{"", x}, {"", 0.5}}, heap));      // no int
  EXPECT_FALSE(bindArguments(schema, {{"", x}, {"other", 0.5}}, heap)); // no such name
  EXPECT_FALSE(
      bindArguments(schema, {{"", x}, {"", {}}, {"", false}, {"", int64_t{6}}}, heap)); // keyword only
  Schema format = parseSchema("format(str self, any... arguments)");
  auto rest = bindArguments(format, {{"", heap.text("{}")}, {"", int64_t{1}}, {"", true}}, heap);
  EXPECT_EQ(textOf((*rest)[1]), "[1, True]");
}
